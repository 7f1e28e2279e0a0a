import os
import stat
import zipfile

import pytest

from netlens.images.file_sources import LARGEST_MEMBER_BYTES, FolderError, UnreadableImageError, open_source

PIXELS = b"a file's content, which nothing here decodes"


def folder_of_files(folder):
    for name in ("ant", "cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(2):
            (folder / name / f"{number:03d}.jpg").write_bytes(PIXELS)
    return folder


def packed(target, change, count=4):
    """Write a zip of two classes to which `change` adds."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("cat", "dog"):
            for i in range(count):
                archive.writestr(f"{name}/{i}.png", PIXELS)
        change(archive)
    return target


def refusal(place):
    """Return the line with which a folder or zip is refused."""
    with pytest.raises(FolderError) as caught:
        open_source(place).names()
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{place}: ")
    return message


@pytest.mark.parametrize(
    "name",
    ["../out.png", "cat/../../out.png", "/etc/out.png", "C:/out.png", "cat\\out.png", "./cat/out.png", "cat//out.png"],
)
def test_zips_with_members_outside_are_refused(tmp_path, name):
    place = packed(tmp_path / "a.zip", lambda archive: archive.writestr(name, PIXELS))
    assert f"{name!r} is not a plain path inside the archive; pack" in refusal(place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip"]


def test_zips_with_links_devices_and_duplicates_are_refused(tmp_path):
    def special(kind):
        entry = zipfile.ZipInfo("cat/special.png")
        entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
        return entry

    place = packed(tmp_path / "a.zip", lambda archive: archive.writestr(special(stat.S_IFLNK), "/etc/passwd"))
    assert "'cat/special.png' is a link; pack" in refusal(place)
    place = packed(tmp_path / "b.zip", lambda archive: archive.writestr(special(stat.S_IFIFO), ""))
    assert "'cat/special.png' is not a regular file" in refusal(place)
    with pytest.warns(UserWarning, match="Duplicate name"):
        place = packed(tmp_path / "c.zip", lambda archive: archive.writestr("cat/1.png", PIXELS))
    assert "'cat/1.png' occurs more than once; 2 entries cannot be used" in refusal(place)


def test_encrypted_zips_are_refused(tmp_path):
    place = packed(tmp_path / "a.zip", lambda archive: None)
    content = bytearray(place.read_bytes())
    # The flags of the first entry of the archive's directory.
    content[content.index(b"PK\x01\x02") + 8] |= 1
    place.write_bytes(content)
    assert "'cat/0.png' is encrypted" in refusal(place)


def test_zips_that_unpack_to_too_much_are_refused(tmp_path):
    def large(archive):
        archive.filelist[0].file_size = LARGEST_MEMBER_BYTES + 1

    assert "'cat/0.png' unpacks to 256 MB; at most 256 MB are allowed" in refusal(packed(tmp_path / "a.zip", large))

    def much(archive):
        for entry in archive.filelist:
            entry.file_size = LARGEST_MEMBER_BYTES

    assert "that would unpack to 2147483648, more than 200 times as many" in refusal(packed(tmp_path / "b.zip", much))


def test_links_in_circles_and_second_names_are_refused(tmp_path):
    folder = folder_of_files(tmp_path / "set")
    (folder / "cat" / "loop").symlink_to("..")
    assert "'cat/loop' is a link to a folder that is already in the set" in refusal(folder)
    (folder / "cat" / "loop").unlink()
    (folder / "also").symlink_to("cat")
    assert "'also' is a link to a folder that is already in the set" in refusal(folder)
    (folder / "also").unlink()
    (folder / "cat" / "again.jpg").symlink_to("001.jpg")
    assert "'cat/again.jpg' is a link to a file that is already in the set" in refusal(folder)


def test_names_that_are_not_utf8_are_refused(tmp_path):
    folder = folder_of_files(tmp_path / "set")
    (folder / "cat" / "000.jpg").rename(os.fsdecode(os.fsencode(folder / "cat") + b"/caf\xe9.jpg"))
    assert "b'cat/caf\\xe9.jpg' is not UTF-8; rename it" in refusal(folder)


def test_names_are_sorted_and_hidden_files_left_out(tmp_path):
    folder = folder_of_files(tmp_path / "set")
    (folder / "cat" / ".hidden").write_bytes(PIXELS)
    expected = [f"{name}/{number:03d}.jpg" for name in ("ant", "cat", "dog") for number in range(2)]
    source = open_source(folder)
    assert source.names() == expected
    assert source.read("cat/001.jpg") == PIXELS


def test_nothing_outside_of_a_directory_is_read(tmp_path):
    (tmp_path / "secret").write_bytes(PIXELS)
    source = open_source(folder_of_files(tmp_path / "set"))
    for name in ("../secret", str(tmp_path / "secret")):
        with pytest.raises(UnreadableImageError, match="it lies outside of the folder"):
            source.read(name)
    with pytest.raises(UnreadableImageError, match="it is not a regular file"):
        source.read("cat")


def test_neither_folder_nor_zip(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder or zip of images"):
        open_source(tmp_path / "none")
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(FolderError, match="not a zip file, or a truncated one"):
        open_source(tmp_path / "a.zip")
