"""The command line: A1111's names, one sentence for what is wrong, no open door without a password."""

import json
import logging
import re
from dataclasses import fields
from pathlib import Path

import pytest

from modules.command_line import ROOT, LaunchOptions, Login, Secret, flags, parse

LONG = "correct horse battery"


@pytest.fixture(autouse=True)
def no_arguments_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMMANDLINE_ARGS", raising=False)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that the program ends with, status 2, for these arguments."""
    with pytest.raises(SystemExit) as end:
        parse(arguments)
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_without_flags_everything_has_its_default() -> None:
    assert parse([]) == LaunchOptions()


def test_every_flag_that_a1111_users_know_is_there() -> None:
    wanted = """
        --port --listen --server-name --nowebui --api --api-server-stop
        --data-dir --models-dir --ckpt --ckpt-dir --vae-dir --lora-dir --embeddings-dir
        --hypernetwork-dir --esrgan-models-path --realesrgan-models-path --bsrgan-models-path --swinir-models-path --scunet-models-path
        --dat-models-path --gfpgan-models-path --codeformer-models-path --styles-file --theme --no-half --no-half-vae
        --precision --use-cpu --medvram --lowvram --xformers --api-auth --gradio-auth
        --gradio-auth-path --autolaunch --no-browser --device-id --allow-host --cors-allow-origins --skip-load-model-at-start --no-venv
        --torch --self-test --loglevel --disable-all-extensions --disable-extra-extensions --extensions-index
        --new-extension --controlnet-dir --content-filter
    """.split()
    assert set(wanted) == {name for action in flags()._actions for name in action.option_strings} - {"-h", "--help"}


def test_every_option_can_be_set() -> None:
    not_flags = {"pytest_arguments", "warnings"}
    names = {name.lstrip("-").replace("-", "_") for action in flags()._actions for name in action.option_strings}
    assert {field.name for field in fields(LaunchOptions)} - not_flags <= names


def test_values_arrive(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    options = parse(
        ["--port", "8000", "--data-dir", str(tmp_path), "--ckpt", str(tmp_path / "model.safetensors"), "--lora-dir", str(tmp_path),
         "--styles-file", "a.csv", "--styles-file", "b*.csv", "--use-cpu", "All", "vae", "--precision", "full", "--theme", "dark",
         "--loglevel", "debug", "--device-id", "1", "--allow-host", "studio.local", "--cors-allow-origins", "http://a:1, http://b"]
    )  # fmt: skip
    assert (options.port, options.data_dir, options.models_dir) == (8000, tmp_path, tmp_path / "models")
    assert (options.ckpt, options.lora_dir) == (tmp_path / "model.safetensors", tmp_path)
    assert (options.styles_file, options.use_cpu) == (("a.csv", "b*.csv"), ("all", "vae"))
    assert (options.precision, options.theme, options.loglevel, options.device_id) == ("full", "dark", "DEBUG", 1)
    assert (options.allow_host, options.cors_allow_origins) == (("studio.local",), ("http://a:1", "http://b"))


def test_without_the_page_the_port_is_a1111s() -> None:
    assert parse(["--nowebui"]).port == 7861
    assert parse(["--nowebui", "--port", "7000"]).port == 7000


def test_relative_paths_are_seen_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse(["--data-dir", "mine"]).data_dir == tmp_path / "mine"
    assert parse(["--models-dir", "mine"]).models_dir == tmp_path / "mine"
    assert parse([]).data_dir == ROOT


def test_a_misspelt_flag_names_the_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--lowram-please", "--prot", "5").startswith("There is no flag --lowram-please")
    assert "There is no flag --prot, but --port" in refused(capsys, "--prot", "5")
    assert "There is no flag --lora_dir, but --lora-dir" in refused(capsys, "--lora_dir=x")


def test_a_flag_is_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no flag --list, but --listen" in refused(capsys, "--list")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["picture.png"], "'picture.png' does not belong to any flag"),
        (["--port", "70000"], "70000 is not a port; it must be a number from 0 to 65535"),
        (["--port"], "expected one argument"),
        (["--ckpt-dir", "nowhere"], "nowhere does not exist"),
        (["--gradio-auth-path", "nowhere"], "nowhere cannot be read (No such file or directory)"),
        (["--gradio-auth", "only-a-name"], "login 1 is not written as name:password"),
        (["--api-auth", ","], "there is no login in it"),
        (["--allow-host", "*"], "'*' would let in every web page"),
        (["--cors-allow-origins", "http://a,*"], "'*' would let in every web page"),
        (["--theme", "blue"], "invalid choice: 'blue'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sentence in refused(capsys, *arguments)


def test_a_password_is_not_repeated_in_the_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    assert "hunter2" not in refused(capsys, "--listen", "--gradio-auth", "me:hunter2")
    assert "hunter2" not in refused(capsys, "--gradio-auth", "hunter2")


@pytest.mark.parametrize("flag", [["--listen"], ["--server-name", "0.0.0.0"], ["--server-name", "192.168.1.5"], ["--server-name", "::"],
                                  ["--server-name", "studio.local"]])  # fmt: skip
def test_other_machines_are_let_in_only_with_a_login(flag: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = f"`python webui.py {' '.join(flag)} --gradio-auth-path logins.txt`"
    assert command in refused(capsys, *flag)
    assert command in refused(capsys, *flag, "--gradio-auth", "me:fifteen letters")
    assert command in refused(capsys, *flag, "--gradio-auth", f"me:{LONG},you:short")
    assert command in refused(capsys, *flag, "--gradio-auth", f"me:{LONG}", "--api-auth", "program:short")
    assert not parse([*flag, "--gradio-auth", f"me:{LONG}"]).is_local
    assert not parse([*flag, "--api-auth", f"program:{LONG}"]).is_local


@pytest.mark.parametrize("name", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"])
def test_this_machine_itself_needs_no_login(name: str) -> None:
    assert parse(["--server-name", name]).is_local


def test_logins_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "logins.txt"
    file.write_text(f"me:{LONG}\nyou:a:b, they:c\n", "utf8")
    options = parse(["--gradio-auth-path", str(file), "--api-auth", "program:d"])
    assert options.gradio_auth == (Login("me", Secret(LONG)), Login("you", Secret("a:b")), Login("they", Secret("c")))
    assert [login.name for login in options.logins] == ["me", "you", "they", "program"]
    assert len(options.warnings) == 1  # for --api-auth, not for the file


def test_a_password_on_the_command_line_is_warned_of() -> None:
    for arguments in (["--gradio-auth", "me:x"], ["--gradio-auth=me:x"], ["--api-auth", "me:x"]):
        (warning,) = parse(arguments).warnings
        assert "--gradio-auth-path" in warning


def test_a_secret_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    options = parse(["--gradio-auth", "me:hunter2"])
    logging.getLogger("test").warning("%s", options)
    secret = options.gradio_auth[0].password
    shown = [repr(options), str(options), f"{secret}", f"{secret!s:>20}", caplog.text]
    assert all("hunter2" not in text and "***" in text for text in shown)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert secret.matches("hunter2")
    assert not secret.matches("hunter3")


def test_the_browser_opens_where_there_is_a_page_for_this_machine() -> None:
    assert parse([]).opens_browser
    assert not parse(["--no-browser"]).opens_browser
    assert not parse(["--nowebui"]).opens_browser
    assert not parse(["--listen", "--gradio-auth", f"me:{LONG}"]).opens_browser
    assert parse(["--listen", "--gradio-auth", f"me:{LONG}", "--autolaunch"]).opens_browser


def test_arguments_of_a1111s_start_scripts_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMANDLINE_ARGS", '--port 7900 --no-half --styles-file "my styles.csv"')
    options = parse([])
    assert (options.port, options.no_half, options.styles_file) == (7900, True, ("my styles.csv",))
    assert parse(["--port", "8000"]).port == 8000


def test_an_open_quotation_mark_in_the_start_script_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COMMANDLINE_ARGS", '--ckpt "a')
    assert "COMMANDLINE_ARGS is not closed" in refused(capsys)


def test_flags_of_a1111_without_effect_are_accepted_and_named() -> None:
    assert parse(["--opt-sdp-attention", "--xformers"]).warnings == ("Without effect here: --opt-sdp-attention.",)


@pytest.mark.parametrize("flag", ["--share", "--ngrok", "--disable-safe-unpickle", "--enable-insecure-extension-access"])
def test_flags_of_a1111_that_open_a_door_are_refused(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"There is no flag {flag}" in refused(capsys, flag)


def test_what_follows_the_self_test_goes_to_pytest_but_our_own_flags() -> None:
    options = parse(["--self-test", "-k", "a or b", "-x", "--no-venv", "tests/jobs", "--durations=5"])
    assert options.pytest_arguments == ("-k", "a or b", "-x", "tests/jobs", "--durations=5")
    assert (options.self_test, options.no_venv) == (True, True)


def test_help_lists_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert all(action.help and f" {action.option_strings[-1]} " in re.sub(r"\s", " ", text) for action in flags()._actions)
