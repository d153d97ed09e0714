# /// script
# dependencies = ["nox", "uv"]
# ///
"""
Everything a contributor runs; Python 3.11 or newer is all it needs.

``python3 noxfile.py -s run`` rolls some seeds, ``python3 noxfile.py`` runs every check and test.
Started like that, the first half of this file puts nox and uv into an environment of its own,
``.nox/.boot``, and becomes nox, which reads the second half. A plain ``nox`` works as well.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent
PINS = ROOT / "constraints.txt"
BOOT = ROOT / ".nox" / ".boot"
BOOT_PYTHON = BOOT / "bin" / "python"
BOOT_STAMP = BOOT / "made-of.txt"


def become_nox(arguments: list[str]) -> NoReturn:
    """
    Run nox with *arguments* in place of this process, installing it first where needed.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have an older one
        refuse(f"seedcore needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    made_of = f"{sys.version}\n{PINS.read_text()}"
    if not boot_works(made_of):
        make_boot()
        BOOT_STAMP.write_text(made_of)
    # What the first lines of this file ask for is met, and the uv to use is the pinned one.
    os.environ["NOX_SCRIPT_MODE"] = "none"
    os.environ.pop("UV", None)
    nox_module = ["-I", "-m", "nox", "-f", str(ROOT / "noxfile.py")]
    os.execv(BOOT_PYTHON, [str(BOOT_PYTHON), *nox_module, *arguments])  # noqa: S606 - no shell wanted


def boot_works(made_of: str) -> bool:
    """
    Whether ``.nox/.boot`` was made by this Python with today's pins, and still runs.
    """
    if not (BOOT_PYTHON.exists() and BOOT_STAMP.exists() and BOOT_STAMP.read_text() == made_of):
        return False
    # Importing nox as well would cost 0.2 s on every start.
    trial = "import importlib.util, uv; uv.find_uv_bin(); importlib.util.find_spec('nox').name"
    return not attempt([str(BOOT_PYTHON), "-I", "-c", trial])


def make_boot() -> None:
    """
    Make ``.nox/.boot`` from nothing, or leave with one sentence that says what is missing.
    """
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        refuse("This Python can't make environments. On Debian or Ubuntu: apt install python3-venv")
    print("Installing nox and uv into .nox/.boot (once) ...", file=sys.stderr)
    shutil.rmtree(BOOT, ignore_errors=True)
    failure = attempt([sys.executable, "-I", "-m", "venv", str(BOOT)])
    if failure:
        refuse(f"Python could not make an environment in {BOOT}: {failure.splitlines()[-1]}")
    pip = [str(BOOT_PYTHON), "-I", "-m", "pip", "install", "--disable-pip-version-check"]
    failure = attempt([*pip, "--quiet", "--constraint", str(PINS), "nox", "uv"])
    if failure:
        # Without a network, pip's last words are about conflicting versions.
        alone = "Retrying" in failure or "ResolutionImpossible" in failure
        reason = "it reaches no index that has them" if alone else failure.splitlines()[-1]
        refuse(
            f"pip could not install nox and uv ({reason}). "
            "Check the network and pip's index settings, then start this again."
        )


def attempt(command: list[str]) -> str:
    """
    Run *command*; return all it said if it failed, else nothing.
    """
    # Indexes, proxies and certificates set for pip stay; another place to install to would
    # leave the environment empty.
    elsewhere = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON"}
    environment = {key: text for key, text in os.environ.items() if key not in elsewhere}
    environment.setdefault("PIP_RETRIES", "1")
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    said = (done.stdout + done.stderr).strip() or f"it ended with status {done.returncode}"
    return said if done.returncode else ""


def refuse(sentence: str) -> NoReturn:
    """
    Leave with *sentence* on stderr.
    """
    print(sentence, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    become_nox(sys.argv[1:])

import nox  # noqa: E402 - it isn't there before become_nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True
# Another Python than last time makes the environments anew.
os.environ.setdefault("NOX_ENABLE_STALENESS_CHECK", "1")
# The certificate of a company's proxy is among those of the system, which uv doesn't ask by itself.
if ssl.get_default_verify_paths().cafile:
    os.environ.setdefault("UV_SYSTEM_CERTS", "1")
# The wheels are under test: no checkout may shadow them. And a process that may not write
# bytecode compiles every import again.
for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
    os.environ.pop(name, None)

Project = dict[str, Any]
CORE = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
PLUGINS = {
    path.parent.name: nox.project.load_toml(path)["project"]
    for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))
}
WHEELS = ROOT / ".nox" / ".wheels"
MUTANTS = ROOT / ".nox" / ".mutants"


@nox.session
def lint(session: nox.Session) -> None:
    """
    Look for mistakes, and for anything not formatted like the rest.
    """
    install(session, "lint")
    session.run("ruff", "check", "--output-format", "concise")
    session.run("ruff", "format", "--check")


@nox.session(requires=["wheels"])
def types(session: nox.Session) -> None:
    """
    Check all types strictly.
    """
    install(session, "types", "nox", plugins=PLUGINS)
    modules = (f"plugins/{name}/{module_of(plugin)}" for name, plugin in PLUGINS.items())
    session.run("mypy", "seedcore", *modules, "noxfile.py")


@nox.session
def build(session: nox.Session) -> None:
    """
    Build every wheel and source distribution into dist/ and check what is in them.
    """
    install(session, "test")
    build_into(ROOT / "dist", session)
    pytest(session, "--noconftest", "-m", "built", "tests/test_packaging.py", watched=False)


@nox.session(requires=["wheels"])
def core(session: nox.Session) -> None:
    """
    Test the core with no plugin installed.
    """
    install(session, "test", plugins={})
    pytest(session, "-m", "not (together or built or postgres or soak)", "tests")


@nox.session(requires=["wheels"])
def postgres(session: nox.Session) -> None:
    """
    Test what depends on the database once more, on a PostgreSQL server of its own.
    """
    install(session, "test", "postgres", plugins={}, extra="[postgres]")
    pytest(session, "-m", "(dialects or postgres) and not soak", "tests", TEST_DIALECT="postgres")


@nox.session(default="CI" in os.environ, requires=["wheels"])
def soak(session: nox.Session) -> None:
    """
    Take databases, processes and the upstream away under load, for minutes.

    SOAK=full in the environment makes it longer still.
    """
    install(session, "test", "postgres", plugins={}, extra="[postgres]")
    pytest(session, "-m", "soak", "tests/soak")


@nox.session(requires=["wheels"])
@nox.parametrize("name", [*PLUGINS], ids=[*PLUGINS])
def plugin(session: nox.Session, name: str) -> None:
    """
    Test one plugin with nothing but the core beside it.
    """
    pyproject = f"plugins/{name}/pyproject.toml"
    groups = nox.project.load_toml(ROOT / pyproject).get("dependency-groups", {})
    own = [f"{pyproject}:{group}" for group in groups if group == "test"]
    install(session, "test", *own, plugins={name: PLUGINS[name]})
    pytest(session, f"plugins/{name}/tests")


@nox.session(requires=["wheels"])
def together(session: nox.Session) -> None:
    """
    Test the whole with every plugin installed.
    """
    install(session, "test", plugins=PLUGINS)
    session.run("seedcore", "list", "--strict")
    session.run("seedcore", "check")
    pytest(session, "-m", "together", "tests")


@nox.session(default=False, requires=["wheels"])
def run(session: nox.Session) -> None:
    """
    Roll some seeds and show the audit rows; ``-- --all``: one of every installed provider.
    """
    install(session, plugins=PLUGINS)
    session.run("python", "docs/examples/first_run.py", *session.posargs, env=no_settings())


@nox.session(default=False, requires=["wheels"])
def docs(session: nox.Session) -> None:
    """
    Write docs/providers.md anew: what every plugin of this repository does and takes.
    """
    install(session, plugins=PLUGINS)
    session.run("python", "docs/write_providers.py", env=no_settings())


@nox.session(default=False, requires=["wheels"])
def bench(session: nox.Session) -> None:
    """
    Measure bare calls, ours, and what a person would write by hand, side by side.
    """
    install(session, "bench", "postgres", plugins={}, extra="[postgres]")
    # Beside the environment: for all rows but their own there are no plugins.
    beside = str(Path(session.virtualenv.location) / "plugins")
    shutil.rmtree(beside, ignore_errors=True)
    plugins = sorted(map(str, WHEELS.glob("seedcore_*.whl")))
    session.install("--no-deps", "--target", beside, *plugins, log=False)
    session.run("python", "benchmarks", "--plugins", beside, *session.posargs)


@nox.session(default=False, requires=["wheels"])
def simulate(session: nox.Session) -> None:
    """
    Play every fault row with 20 seeds, in virtual time, and hold it against its promise.
    """
    install(session, plugins={})
    session.run("python", "tests/simulation", *session.posargs, env=no_settings())


@nox.session(default=False, requires=["wheels"])
def mutation(session: nox.Session) -> None:
    """
    Change the code of the contract in every small way, and count what the tests notice.

    Names after ``--`` (``breaker gate``) choose modules. Less than 90 % noticed is a failure.
    """
    install(session, "test", "mutation", plugins={})
    known = {path.stem for path in (ROOT / "seedcore" / "contract").glob("[!_]*.py")}
    if not known.issuperset(session.posargs):
        session.error(f"The modules of seedcore/contract are: {', '.join(sorted(known))}")
    # A copy, since the changed code is written beside what it comes from; and a new one each
    # time, since mutmut keeps what it knows when only a test has changed.
    shutil.rmtree(MUTANTS, ignore_errors=True)
    MUTANTS.mkdir(parents=True)
    shutil.copy2(ROOT / "pyproject.toml", MUTANTS)
    for folder in ("seedcore", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, MUTANTS / folder, ignore=ignored)
    # Never all of them unnamed: only then are the tests tried by name before. One that can't be
    # found again (ids= with a backslash) would pass for one that fails, and kill every change.
    chosen = (f"seedcore.contract.{name}.*" for name in session.posargs or sorted(known))
    with session.chdir(MUTANTS):
        session.run("mutmut", "run", "--max-children", "1", *chosen, env=no_settings())
        fates = session.run("mutmut", "results", "--all", "true", silent=True, log=False)
    report_mutants(session, str(fates))


@nox.session(default=False)
def wheels(session: nox.Session) -> None:
    """
    Build the wheels that the other sessions install.
    """
    build_into(WHEELS, session, "--wheel")


def build_into(folder: Path, session: nox.Session, *options: str) -> None:
    """
    Build all distributions into *folder*; nothing older stays there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    session.run("uv", "build", "--quiet", "--all-packages", "--out-dir", str(folder), *options)


def install(
    session: nox.Session,
    *groups: str,
    plugins: Mapping[str, Project] | None = None,
    extra: str = "",
) -> None:
    """
    Install dependency groups and, unless *plugins* is ``None``, the core and these plugins.

    *extra* is one of the core, in brackets.

    Nothing else stays in the environment, and each of our wheels replaces the one before it:
    their version doesn't change when a source does.
    """
    projects = [] if plugins is None else [CORE, *plugins.values()]
    options = ["--exact", "--constraint", str(PINS)]
    for group in groups:
        options += ["--group", group]
    for project in projects:
        wheel = f"{module_of(project)}-{project['version']}-py3-none-any.whl"
        wanted = str(WHEELS / wheel) + (extra if project is CORE else "")
        options += ["--reinstall-package", project["name"], wanted]
    session.log("Installing " + ", ".join([*(project["name"] for project in projects), *groups]))
    try:
        session.install(*options, log=False)
    except nox.command.CommandFailed:
        session.error("See above. Without a network, UV_OFFLINE=1 takes what earlier runs left")
    expected = {project["name"] for project in projects[1:]}
    found = installed_plugins(session)
    if found != expected:
        session.error(f"Wanted the plugins {sorted(expected)}, found {sorted(found)} installed")


def installed_plugins(session: nox.Session) -> set[str]:
    """
    Return the distributions in the session's environment that have entry points for the core.
    """
    folders = Path(session.virtualenv.location).glob("lib/python*/site-packages")
    return {
        distribution.name
        for distribution in importlib.metadata.distributions(path=[str(path) for path in folders])
        for entry in distribution.entry_points
        if entry.group.startswith("seedcore.")
    }


def module_of(project: Project) -> str:
    """
    Return the name of the one package a distribution has.
    """
    return str(project["name"]).replace("-", "_")


def report_mutants(session: nox.Session, fates: str) -> None:
    """
    Print what became of the changes, a line for each module, and leave if too few were noticed.

    *fates* has a line for each change: its name and what became of it.
    """
    noticed: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for line in fates.splitlines():
        name, _, fate = line.strip().rpartition(": ")
        if fate == "not checked":  # of a module that was not chosen
            continue
        seen = fate in {"killed", "timeout"}
        (noticed if seen else missed)[name.split(".")[2]] += 1
        if not seen:
            print(f"{fate}: {name}")
    for module in sorted(noticed | missed):
        print(f"{module:10} {noticed[module]:5} killed {missed[module]:4} survived")
    share = noticed.total() / max(1, noticed.total() + missed.total())
    print(f"{'total':10} {noticed.total():5} killed {missed.total():4} survived: {share:.1%}")
    print(f"One of them: cd {MUTANTS} && {session.bin}/mutmut show NAME")
    if share < 0.9:
        session.error("Less than 90 % of the changes were noticed")


def pytest(session: nox.Session, *arguments: str, watched: bool = True, **environment: str) -> None:
    """
    Run pytest with the one configuration, without the settings of whoever runs it.

    *watched*: what a test seals is looked for in all that it shows; that needs the core.
    """
    watching = ("-p", "seedcore.testing.sealing") if watched else ()
    options = (*watching, *arguments, *session.posargs)
    env = {**no_settings(), **environment}
    session.run("pytest", "-c", "pyproject.toml", *options, env=env)


def no_settings() -> dict[str, str | None]:
    """
    Return the environment without seedcore's variables of whoever runs this.
    """
    return {name: None for name in os.environ if name.startswith("SEEDCORE_")}
