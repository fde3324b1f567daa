import shutil
from pathlib import Path

import pytest
from PIL import Image

import prepare
from check import Least, check, patient_of, problems_of
from conftest import Films, write_index
from data import SPLITS, read_index
from errors import Code, TrainError

FEW = Least(train=10, val=5, of_a_class=2)


@pytest.fixture
def copy(films: Films, tmp_path: Path) -> Films:
    """Films that a test may damage."""
    shutil.copytree(films.images, tmp_path / "images")
    shutil.copy(films.index, tmp_path / "index.csv")
    return Films(tmp_path / "images", films.data, tmp_path / "index.csv")


def codes(films: Films, least: Least = FEW) -> list[Code]:
    return [code for code, _ in problems_of(films.images, films.index, least)]


def edit(films: Films, row: int, **values: str) -> None:
    rows = read_index(films.index)
    rows[row] |= values
    write_index(films.index, rows)


def test_good_data_has_no_problem(films: Films) -> None:
    assert codes(films) == []


def test_a_missing_class_is_named(copy: Films) -> None:
    shutil.rmtree(copy.images / "NORMAL")
    assert codes(copy) == [Code.DATA_CLASS_MISSING]


def test_an_empty_class_is_named(copy: Films) -> None:
    for path in (copy.images / "PNEUMONIA").iterdir():
        path.unlink()
    assert codes(copy) == [Code.DATA_CLASS_MISSING]


@pytest.mark.parametrize("damage", [b"", b"not a picture", None])
def test_unreadable_files_are_named(copy: Films, damage: bytes | None) -> None:
    path = copy.images / "NORMAL" / read_index(copy.index)[0]["file"]
    path.write_bytes(path.read_bytes()[:2000] if damage is None else damage)
    assert codes(copy) == [Code.DATA_UNREADABLE]


def test_missing_files_are_named(copy: Films) -> None:
    (copy.images / "NORMAL" / read_index(copy.index)[0]["file"]).unlink()
    (problem,) = problems_of(copy.images, copy.index, FEW)
    assert problem[0] is Code.DATA_FILE_MISSING and "IM-0000-0001.jpeg" in problem[1]


def test_the_same_picture_in_other_bytes_is_a_duplicate(copy: Films) -> None:
    folder, rows = copy.images / "PNEUMONIA", read_index(copy.index)
    (folder / rows[2]["file"]).unlink()
    with Image.open(folder / rows[1]["file"]) as film:
        film.save(folder / rows[2]["file"], "PNG")
    assert codes(copy) == [Code.DATA_DUPLICATE]
    edit(copy, 2, dup_of=rows[1]["file"])
    assert codes(copy) == []


def test_a_named_duplicate_in_another_split_is_a_leak(copy: Films) -> None:
    folder, rows = copy.images / "PNEUMONIA", read_index(copy.index)
    shutil.copy(folder / rows[1]["file"], folder / rows[25]["file"])
    edit(copy, 25, dup_of=rows[1]["file"])
    assert codes(copy) == [Code.DATA_LEAK]


def rename(films: Films, row: int, name: str) -> None:
    folder = films.images / read_index(films.index)[row]["label"]
    (folder / read_index(films.index)[row]["file"]).rename(folder / name)
    edit(films, row, file=name)


def test_a_patient_in_train_and_val_leaks_whatever_the_index_says_of_groups(copy: Films) -> None:
    rename(copy, 25, "person1_virus_77.jpeg")
    assert codes(copy) == [Code.DATA_LEAK]


def test_a_group_of_the_index_in_train_and_val_leaks_whatever_the_file_names_say(copy: Films) -> None:
    edit(copy, 25, group=read_index(copy.index)[1]["group"])
    assert codes(copy) == [Code.DATA_LEAK]


GOOD = "file,label,subtype,group,split,dup_of\na.jpeg,NORMAL,normal,N1,train,\n"


@pytest.mark.parametrize(("text", "says"), [
    (None, "cannot be read"), (b"\xff\xfe\x00", "cannot be read"), (b"file,label\na.jpeg,NORMAL\n", "line 2: not all"),
    (GOOD.encode() + b"b.jpeg,NORMAL\n", "line 3: not all"), (GOOD.replace("NORMAL", "LUNG").encode(), "'LUNG'"),
    (GOOD.encode() + GOOD.encode().split(b"\n", 1)[1], "line 3: a.jpeg again"),
])
def test_a_file_that_is_no_index_is_named(tmp_path: Path, text: bytes | None, says: str) -> None:
    if text is not None:
        (tmp_path / "index.csv").write_bytes(text)
    with pytest.raises(TrainError, match=f"^DATA_INDEX: .*{says}"):
        check(tmp_path, tmp_path / "index.csv", FEW)


def test_a_damaged_file_of_the_archive_is_named(films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_index(films.index)
    monkeypatch.setattr(prepare, "read_index", lambda: rows)
    shutil.copytree(films.images, tmp_path / "archive")
    (tmp_path / "archive" / rows[3]["label"] / rows[3]["file"]).write_bytes(b"no picture")
    with pytest.raises(TrainError, match=f"^DATA_UNREADABLE: .*{rows[3]['file']}"):
        prepare.prepare_all(tmp_path / "archive", tmp_path / "images")


def test_the_same_number_of_another_type_in_test_is_another_person(copy: Films) -> None:
    rename(copy, 37, "person1_virus_77.jpeg")
    assert codes(copy) == []
    rename(copy, 38, "person1_bacteria_78.jpeg")
    assert codes(copy) == [Code.DATA_LEAK]


def test_too_few_images_for_a_calibration_are_named(films: Films) -> None:
    assert codes(films, Least(train=25, val=13, of_a_class=2)) == [Code.DATA_TOO_FEW] * 2
    assert set(codes(films, Least(train=10, val=5, of_a_class=6))) == {Code.DATA_TOO_FEW}


def test_the_error_has_a_code_and_says_what_to_do(copy: Films) -> None:
    shutil.rmtree(copy.images / "NORMAL")
    with pytest.raises(TrainError, match="^DATA_CLASS_MISSING: .*NORMAL") as caught:
        check(copy.images, copy.index, FEW)
    assert "one folder per class" in caught.value.action


def test_patients_read_from_file_names_are_those_of_the_index() -> None:
    assert all(patient_of(r["file"]) == (r["group"], r["subtype"]) for r in read_index(SPLITS))
