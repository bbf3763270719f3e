"""What is shown of ONNX runs: the guide's page, the example and the benchmark."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import assert_benchmark_agrees, blocks_of

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")

ROOT = Path(__file__).parents[1]


def test_the_guide_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of("onnx")
    assert len(blocks) == 6
    names = {}
    for block in blocks:
        exec(compile(block, "docs/guide/onnx.rst", "exec"), names)
    assert (tmp_path / "iris.onnx").stat().st_size < 10_000


def test_the_example_runs(capfd):
    path = ROOT / "examples" / "onnx_serving.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 80
    subprocess.run([sys.executable, path], check=True)
    assert "all labels equal" in capfd.readouterr().out


def test_the_benchmark_compares(tmp_path):
    assert_benchmark_agrees("onnx_latency", tmp_path)
