"""The licences of the installed packages, as each package's own metadata name them."""

from importlib.metadata import Distribution, distributions

from modules import __version__

LONGEST = 80  # some packages put the whole text where a name belongs


def licences() -> list[dict[str, str]]:
    """This program and every installed package by name: {name, version, licence, address}; an unknown licence is empty."""
    own = {"name": "Easel", "version": __version__, "licence": "Apache-2.0", "address": ""}
    found = {(distribution.name or "").lower(): distribution for distribution in distributions()}
    rows = [described(found[name]) for name in sorted(found) if name]
    return [own, *rows]


def described(package: Distribution) -> dict[str, str]:
    """One package."""
    return {"name": package.name, "version": package.version, "licence": licence(package), "address": address(package)}


def licence(package: Distribution) -> str:
    """The licence's name: the SPDX expression, else the free text if it is short, else what the classifiers say."""
    metadata = package.metadata.json
    expression = metadata.get("license_expression")
    if expression:
        return str(expression)
    text = str(metadata.get("license") or "").strip()
    if text and len(text) <= LONGEST and "\n" not in text and text.upper() != "UNKNOWN":
        return text
    classified = [line.rpartition("::")[2].strip() for line in metadata.get("classifier", ()) if line.startswith("License ::")]
    return ", ".join(classified) or text.partition("\n")[0][:LONGEST].strip()


def address(package: Distribution) -> str:
    """The package's home page; empty if it names none."""
    metadata = package.metadata.json
    urls = [line.partition(",") for line in metadata.get("project_url", ())]
    named = {label.strip().lower(): url.strip() for label, _, url in urls}
    wanted = ("homepage", "home", "repository", "source", "source code")
    found = str(metadata.get("home_page") or next((named[label] for label in wanted if label in named), ""))
    return found if found.startswith(("https://", "http://")) else ""
