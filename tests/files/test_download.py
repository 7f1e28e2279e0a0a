import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from netlens.files.download import Download, DownloadError, fetch, read_manifest

CONTENT = bytes(range(256)) * 4000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT at every path, in the way that the server's `mode` says."""

    def do_GET(self):
        server = self.server
        start = self.headers.get("Range")
        server.asked.append(start)
        mode = server.modes.pop(0) if server.modes else "whole"
        if mode in {"404", "503"}:
            self.send_error(int(mode))
            return
        begin = int(start.removeprefix("bytes=").rstrip("-")) if start and mode != "no range" else 0
        if begin and begin >= len(server.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.content)}")
            self.end_headers()
            return
        body = server.content[begin:]
        self.send_response(206 if begin else 200)
        if mode != "no length":
            self.send_header("Content-Length", str(len(body)))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(server.content) - 1}/{len(server.content)}")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if mode == "half" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.asked, made.modes, made.content = [], [], CONTENT
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def entry(server, **changes):
    values = {
        "name": "file.bin",
        "url": f"http://127.0.0.1:{server.server_address[1]}/file.bin",
        "hash": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",
        "size_bytes": len(CONTENT),
        "licence": "our own",
    }
    return Download(**{**values, **changes})


def get(download, path, **options):
    return fetch(download, path, progress=False, pause_s=0.0, **options)


def only(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.slow
def test_whole_file(server, tmp_path):
    path = get(entry(server), tmp_path / "deep" / "file.bin")
    assert path.read_bytes() == CONTENT
    assert only(path.parent) == ["file.bin"] and server.asked == [None]
    get(entry(server), path)
    assert server.asked == [None], "what is there is not fetched again"


@pytest.mark.slow
def test_md5(server, tmp_path):
    download = entry(server, hash=f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}")
    assert get(download, tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.slow
def test_broken_connection_is_continued(server, tmp_path):
    server.modes = ["half", "half", "whole"]
    assert get(entry(server), tmp_path / "file.bin").read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert server.asked == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


@pytest.mark.slow
def test_a_later_run_continues(server, tmp_path):
    server.modes = ["half"] + ["503"] * 3
    with pytest.raises(
        DownloadError, match=r"512,000 of 1,024,000 bytes after 4 attempts \(the server answers 503"
    ) as caught:
        get(entry(server), tmp_path / "file.bin")
    assert "\n" not in str(caught.value) and "run again to resume" in str(caught.value)
    assert only(tmp_path) == ["file.bin.part"]
    assert get(entry(server), tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=512000-" and only(tmp_path) == ["file.bin"]


@pytest.mark.slow
def test_the_beginning_can_be_kept_elsewhere(server, tmp_path):
    (tmp_path / "kept").mkdir()
    part = tmp_path / "kept" / "file.part"
    part.write_bytes(CONTENT[:9])
    assert get(entry(server), tmp_path / "new" / "file.bin", part=part).read_bytes() == CONTENT
    assert server.asked == ["bytes=9-"] and only(tmp_path / "kept") == []


@pytest.mark.slow
def test_the_recorded_hash_can_be_kept_elsewhere(server, tmp_path):
    (tmp_path / "kept").mkdir()
    record = tmp_path / "kept" / "file.sha256"
    get(unpublished(server), tmp_path / "new" / "file.bin", record=record)
    assert only(tmp_path / "kept") == ["file.sha256"] and only(tmp_path / "new") == ["file.bin"]


@pytest.mark.slow
def test_server_without_ranges_starts_again(server, tmp_path):
    server.modes = ["half", "no range"]
    assert get(entry(server), tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.slow
def test_rest_of_another_file_is_thrown_away(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"something else" * 100)
    assert get(entry(server), tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.asked == ["bytes=1400-", None]


@pytest.mark.slow
def test_rest_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
    assert get(entry(server), tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.asked == [None]


@pytest.mark.slow
def test_whole_rest_is_not_asked_for(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert get(entry(server), tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.asked == []


@pytest.mark.slow
def test_wrong_hash_keeps_nothing(server, tmp_path):
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(DownloadError, match=r"has sha256 [0-9a-f]{64} instead of [0-9a-f]{64}; it was deleted"):
        get(entry(server), tmp_path / "file.bin")
    assert only(tmp_path) == []


@pytest.mark.slow
def test_server_that_sends_too_much(server, tmp_path):
    server.content = CONTENT * 3
    with pytest.raises(DownloadError, match="bytes instead of 1,024,000"):
        get(entry(server), tmp_path / "file.bin")
    assert only(tmp_path) == []


def test_always_truncated(server, tmp_path):
    server.content = CONTENT[:1000]
    with pytest.raises(DownloadError, match="has 1,000 bytes instead of 1,024,000; it was deleted"):
        get(entry(server), tmp_path / "file.bin")
    assert not (tmp_path / "file.bin").exists()


@pytest.mark.slow
def test_refusal_is_not_asked_again(server, tmp_path):
    server.modes = ["404"]
    with pytest.raises(DownloadError, match=r"the server answers 404 Not Found; download file\.bin by hand"):
        get(entry(server), tmp_path / "file.bin")
    assert len(server.asked) == 1


@pytest.mark.slow
def test_nobody_answers(tmp_path, server):
    url = f"http://127.0.0.1:{server.server_address[1]}/file.bin"
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match=r"0 of 1,024,000 bytes after 4 attempts \(.*refused"):
        get(entry(server, url=url), tmp_path / "file.bin")


@pytest.mark.slow
def test_local_folder_comes_first(server, tmp_path):
    local = tmp_path / "local"
    local.mkdir()
    (local / "file.bin").write_bytes(CONTENT)
    path = get(entry(server), tmp_path / "file.bin", local_folders=[tmp_path / "none", local])
    assert path.read_bytes() == CONTENT and server.asked == []
    (local / "file.bin").write_bytes(CONTENT[:9])
    path.unlink()
    with pytest.raises(DownloadError, match=r"local/file\.bin: has 9 bytes instead of 1,024,000; replace it"):
        get(entry(server), path, local_folders=[local])
    assert not path.exists()


@pytest.mark.slow
def test_wrong_file_in_place_is_replaced(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"old")
    assert get(entry(server), tmp_path / "file.bin").read_bytes() == CONTENT


def unpublished(server):
    """A file whose publisher states neither hash nor size."""
    return entry(server, hash=None, size_bytes=None)


@pytest.mark.slow
def test_hash_is_recorded_on_first_use(server, tmp_path):
    path = tmp_path / "file.bin"
    assert get(unpublished(server), path).read_bytes() == CONTENT
    record = tmp_path / "file.bin.sha256"
    assert record.read_text() == f"{hashlib.sha256(CONTENT).hexdigest()}  file.bin\n"
    path.unlink()
    server.content = CONTENT[:-1] + b"x"
    with pytest.raises(DownloadError, match=r"has sha256 [0-9a-f]{64} instead of [0-9a-f]{64}; it was deleted"):
        get(unpublished(server), path)
    server.content = CONTENT
    assert get(unpublished(server), path).read_bytes() == CONTENT
    record.write_text("abc  file.bin")
    with pytest.raises(DownloadError, match=r"file\.bin\.sha256: holds no sha256; delete it"):
        get(unpublished(server), path)


@pytest.mark.slow
def test_recorded_hash_holds_for_local_files(server, tmp_path):
    (tmp_path / "local").mkdir()
    local = tmp_path / "local" / "file.bin"
    local.write_bytes(CONTENT)
    path = get(unpublished(server), tmp_path / "file.bin", local_folders=[tmp_path / "local"])
    assert (tmp_path / "file.bin.sha256").is_file() and server.asked == []
    path.unlink()
    local.write_bytes(CONTENT[:-1])
    with pytest.raises(DownloadError, match=r"local/file\.bin: has sha256"):
        get(unpublished(server), path, local_folders=[tmp_path / "local"])


@pytest.mark.slow
def test_file_of_unknown_size_is_resumed(server, tmp_path):
    server.modes = ["half", "half", "whole"]
    assert get(unpublished(server), tmp_path / "file.bin").read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert server.asked == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


@pytest.mark.slow
def test_file_of_unknown_size_without_length(server, tmp_path):
    server.modes = ["no length"]
    assert get(unpublished(server), tmp_path / "file.bin").read_bytes() == CONTENT


@pytest.mark.slow
def test_rest_of_a_file_of_unknown_size(server, tmp_path):
    part = tmp_path / "file.bin.part"
    part.write_bytes(CONTENT)
    assert get(unpublished(server), tmp_path / "file.bin").read_bytes() == CONTENT
    (tmp_path / "file.bin").unlink()
    part.write_bytes(CONTENT + b"more")
    assert get(unpublished(server), tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-", f"bytes={len(CONTENT) + 4}-", None]


@pytest.mark.slow
def test_progress_is_shown(server, tmp_path, capsys):
    fetch(entry(server), tmp_path / "file.bin")
    assert "file.bin: 100%" in capsys.readouterr().err


def test_manifest_of_the_repository():
    manifest = read_manifest(Path(__file__).parents[2] / "data" / "manifest.yaml")
    assert manifest["vgg16_weights_tf_dim_ordering_tf_kernels.h5"].size_bytes == 553467096


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {url: http://x, hash: 'md5:0'}", "a: an entry must have exactly the keys hash, licence, size_bytes, url"),
        ("a: 3", "an entry must have exactly"),
        ("a: {url: http://x, hash: abc, size_bytes: 1, licence: x}", "hash must be written as algorithm:digest"),
        ("a: {url: http://x, hash: recorded, size_bytes: 0, licence: x}", "size_bytes must be a number of bytes or"),
        ("a: {url: ftp://x, hash: 'md5:" + "0" * 32 + "', size_bytes: 1, licence: x}", "url must begin with http"),
    ],
)
def test_bad_manifest(tmp_path, text, message):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(DownloadError, match=message):
        read_manifest(tmp_path / "m.yaml")


def test_manifest_without_hash_and_size(tmp_path):
    (tmp_path / "m.yaml").write_text("a: {url: http://x, hash: recorded, size_bytes: unknown, licence: x}")
    assert read_manifest(tmp_path / "m.yaml")["a"] == Download("a", "http://x", None, None, "x")


def test_no_manifest(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such list of downloads"):
        read_manifest(tmp_path / "m.yaml")
