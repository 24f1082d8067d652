"""No sentence, template, stylesheet rule, script or icon that no page uses."""

import re
from functools import cache
from pathlib import Path

from fleet.lang import i18n
from fleet.web import rendering

WEB = rendering.FOLDER
ROOT = WEB.parents[1]
BUILT_BY_LIBRARIES = re.compile(r"leaflet|^u-|uplot")


@cache
def sources() -> str:
    """Return all code and templates that may name something, without the catalogue and stylesheets."""
    folders = (ROOT / "fleet", ROOT / "demo", ROOT / "provisioning")
    files = [path for folder in folders for kind in ("*.py", "*.html", "*.js") for path in folder.rglob(kind)]
    kept = (path for path in files if not {"node_modules", "dist"} & set(path.parts))
    return "\n".join(path.read_text(encoding="utf-8") for path in kept)


@cache
def tokens() -> frozenset[str]:
    """Return every word of the sources, hyphens within."""
    return frozenset(re.findall(r"[\w-]+", sources()))


def stems() -> set[str]:
    """Return the beginnings of keys put together from values: ``f"pause.{reason}"``, ``"a." ~ b``."""
    text = sources()
    beginnings = re.findall(r'f"([a-z_.]+\.)\{', text)
    beginnings += re.findall(r"""["']([a-z_.]+\.)["'] ~""", text)
    prefixes = re.findall(r"""\bword\(\s*(?:\w+(?:\.\w+)?,\s*)?["']([a-z_.]+)["']""", text)
    return {*beginnings, *(f"{prefix}." for prefix in prefixes)}


def test_every_sentence_is_said_somewhere() -> None:
    text, beginnings = sources(), stems()
    literal = set(re.findall(r"""["']([a-z][\w.]*(?:\.[\w ]+)?)["']""", text))
    unsaid = {
        key
        for key in i18n.catalogue()
        if key not in literal and not any(key.startswith(begin) for begin in beginnings)
    }
    assert unsaid == set()


def test_every_template_is_rendered_or_included() -> None:
    text = sources()
    folder = WEB / "templates"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    assert {name for name in names if f'"{name}"' not in text} == set()


def test_every_class_of_the_stylesheet_is_in_a_page() -> None:
    styles = "".join(path.read_text(encoding="utf-8") for path in (WEB / "assets/styles").glob("*.css"))
    bare = re.sub(r"/\*.*?\*/|\{[^{}]*\}", " ", styles, flags=re.DOTALL)
    named = {one for one in re.findall(r"\.([a-z][\w-]*)", bare) if not BUILT_BY_LIBRARIES.search(one)}
    assert {one for one in named - tokens() if not one.startswith("state-")} == set()


def test_every_style_is_imported_and_every_script_is_bundled() -> None:
    main = (WEB / "assets/styles/main.css").read_text(encoding="utf-8")
    styles = {path.name for path in (WEB / "assets/styles").glob("*.css")} - {"main.css"}
    assert {name for name in styles if f'"./{name}"' not in main} == set()
    scripts = {path.name: path.read_text(encoding="utf-8") for path in (WEB / "assets/scripts").glob("*.js")}
    told = "".join(scripts.values()) + (WEB / "build.mjs").read_text(encoding="utf-8")
    assert {name for name in scripts if f"/{name}" not in told} == set()


def test_every_exported_function_of_a_script_is_imported() -> None:
    scripts = {path.name: path.read_text(encoding="utf-8") for path in (WEB / "assets/scripts").glob("*.js")}
    exported = {
        (file, name)
        for file, text in scripts.items()
        for name in re.findall(r"export (?:async )?(?:function|const|class) (\w+)", text)
    }
    unused = {
        (file, name)
        for file, name in exported
        if not any(
            re.search(rf"import \{{[^}}]*\b{name}\b[^}}]*\}} from \"\./{file}\"", text)
            for text in scripts.values()
        )
    }
    assert unused == set()


def test_every_icon_is_drawn() -> None:
    icons = set(
        re.findall(
            r'^    "(\w+)": ', (WEB.parent / "lang" / "shapes.py").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    named = re.findall(r"""["'](\w+)["'](?!: )""", sources())
    assert icons - set(named) == set()


def test_every_page_is_mounted() -> None:
    mounted = (WEB / "site.py").read_text(encoding="utf-8")
    pages = {
        path.stem
        for path in Path(WEB / "pages").glob("*.py")
        if "router = APIRouter()" in path.read_text(encoding="utf-8")
    }
    assert {name for name in pages if f"{name}.router" not in mounted} == set()
