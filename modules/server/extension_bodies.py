"""What the Extensions tab sends."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]{0,63}$")]


class Named(BaseModel):
    """One extension."""

    name: Name


class Switched(Named):
    """On or off."""

    on: bool


class ModeAsked(BaseModel):
    """Which are off together."""

    mode: Literal["none", "extra", "all"]


class SafeModeLeft(BaseModel):
    """Whether the extension that was being loaded stays off."""

    without_culprit: bool = True


class UrlAsked(BaseModel):
    """An address to install from; `expected` is the SHA-256 of an archive."""

    url: str = Field(max_length=500)
    branch: str = Field("", max_length=200)
    commit: str = Field("", max_length=64)
    expected: str = Field("", max_length=64)


class FolderAsked(BaseModel):
    """A folder of this machine to install from."""

    path: str = Field(min_length=1, max_length=4096)
    link: bool = False


class IdAsked(BaseModel):
    """Something in the trash."""

    id: str = Field(max_length=200)


class IndexAsked(BaseModel):
    """An index."""

    url: str = Field("", max_length=500)


class SetNamed(BaseModel):
    """A name for a saved set."""

    name: str = Field("", max_length=100)


class FileNamed(BaseModel):
    """A saved set's file."""

    file: str = Field(max_length=200)


class RestoreAsked(BaseModel):
    """A saved set's file, or the content of one in base64."""

    file: str = Field("", max_length=200)
    data: str = Field("", max_length=2 * 2**20)
