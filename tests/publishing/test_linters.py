"""Tests that third-party linters find nothing in files for other programs, and find a planted mistake."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.publishing.files import ACTION, JOBS, LINTERS, ROOT, WORKFLOWS, Step, linted, linter, steps

COMPOSITIONS = [ROOT / "compose.yaml", JOBS / "compose.yaml"]
SCHEMAS = {
    "github-workflows": ([*WORKFLOWS, JOBS / "github.yml"], []),
    "github-actions": ([ACTION], []),
    "gitlab-ci": ([JOBS / "gitlab.yml"], ["--data-transform", "gitlab-ci"]),
    # its patterns are not those of ECMAScript
    "azure-pipelines": (
        [JOBS / "azure-pipelines.yml"],
        ["--data-transform", "azure-pipelines", "--regex-variant", "python"],
    ),
    "compose-spec": (COMPOSITIONS, []),
}
YAML = [*WORKFLOWS, ACTION, *sorted(JOBS.glob("*.y*ml")), ROOT / "compose.yaml", ROOT / ".yamllint.yaml"]
SHELL = [step for file in [*WORKFLOWS, ACTION, *sorted(JOBS.iterdir())] for step in steps(file)]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_have_the_form_that_their_program_reads(schema: str) -> None:
    files, options = SCHEMAS[schema]
    linted("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *options, *files)


def test_yaml_is_clean() -> None:
    linted("yamllint", "--strict", "-c", ROOT / ".yamllint.yaml", *YAML)


def test_workflows_pass_actionlint_and_zizmor() -> None:
    linted("actionlint", *WORKFLOWS, JOBS / "github.yml")
    linted("zizmor", "--offline", "--quiet", *WORKFLOWS, ACTION, JOBS / "github.yml")


def test_the_dockerfile_passes_hadolint() -> None:
    linted("hadolint", ROOT / "Dockerfile")


@pytest.mark.parametrize("step", SHELL, ids=lambda step: f"{step.file}: {step.name}"[:60])
def test_every_step_passes_shellcheck(step: Step) -> None:
    script = re.sub(r"\$\{\{.*?\}\}", "value", step.script)
    done = subprocess.run(
        [linter("shellcheck"), "--shell=bash", "--severity=style", "--exclude=SC1091", "-"],
        input=script,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_pages_are_spelt_right() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "skills").rglob("*.md")]
    named = "activites,connexion,pre-empted"  # an operation of Adobe's, a package, a word of ours
    linted("codespell", "--ignore-words-list", named, *pages, ROOT / "mockserver" / "pages" / "console")


@pytest.mark.parametrize("script", [".ci/run", "requirements/install.sh", "requirements/audit.sh"])
def test_scripts_pass_shellcheck(script: str) -> None:
    linted("shellcheck", "--severity=warning", ROOT / script)


@pytest.mark.parametrize(
    ("language", "file"),
    [("hcl2", "docker-bake.hcl"), ("tree_sitter_groovy", "examples/ci/Jenkinsfile")],
    ids=["hcl", "groovy"],
)
def test_files_of_other_languages_can_be_parsed(language: str, file: str) -> None:
    assert parsed(language, ROOT / file), file


def parsed(language: str, file: Path) -> bool:
    """Whether a parser of the linters' environment accepts a whole file."""
    code = {
        "hcl2": "import hcl2, sys; hcl2.load(open(sys.argv[1]))",
        "tree_sitter_groovy": (
            "import sys, tree_sitter, tree_sitter_groovy as groovy\n"
            "tree = tree_sitter.Parser(tree_sitter.Language(groovy.language())).parse(open(sys.argv[1], 'rb').read())\n"
            "sys.exit(tree.root_node.has_error)"
        ),
    }[language]
    done = subprocess.run([linter("python"), "-W", "ignore", "-c", code, str(file)], capture_output=True, text=True)
    return done.returncode == 0


PLANTED = {
    "actionlint": ("x.yml", "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - use: x\n", []),
    "zizmor": (
        ".github/workflows/x.yml",
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: echo ${{ github.event.pull_request.title }}\n",
        ["--offline", "--quiet"],
    ),
    "yamllint": ("x.yml", "a: 1\na: 2\n", ["-c", str(ROOT / ".yamllint.yaml")]),
    "hadolint": ("Dockerfile", "FROM debian\nRUN cd / && ls\n", []),
    "shellcheck": ("x.sh", '#!/bin/bash\nrm -r "$x"/*\n', ["--severity=style"]),
    "codespell": ("x.md", "A page about teh server.\n", []),
    "check-jsonschema": ("x.yml", "jobs: 1\n", ["--builtin-schema", "vendor.github-workflows"]),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_linter_finds_a_planted_mistake(name: str, tmp_path: Path) -> None:
    file, text, options = PLANTED[name]
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text, encoding="utf-8")
    environ = {**os.environ, "PATH": f"{LINTERS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([linter(name), *options, tmp_path / file], capture_output=True, text=True, env=environ)
    assert done.returncode != 0, done.stdout


@pytest.mark.parametrize(("language", "text"), [("hcl2", "target {"), ("tree_sitter_groovy", "pipeline { agent { }")])
def test_a_parser_refuses_half_a_file(language: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text, encoding="utf-8")
    assert not parsed(language, tmp_path / "x")
