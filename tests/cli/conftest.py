"""What the tests of the command share: a folder of their own."""
import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, which the command runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
