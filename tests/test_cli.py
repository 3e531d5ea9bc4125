"""The command line, run as a user runs it: files of every kind, outputs, and errors in plain text."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import henderson as hd
from henderson.cli import main
from henderson.display.sentences import METHODS
from henderson.errors import DataError, MissingDependencyError, OptionError
from henderson.inference.small_sample import DDF
from henderson.tables import read_table

FORMULA = "Reaction ~ Days + (Days | Subject)"
SLEEP = hd.datasets.load("sleepstudy")
CSV = SLEEP.to_csv(index=False)


@pytest.fixture
def sleep_csv(tmp_path):
    path = tmp_path / "sleep.csv"
    path.write_text(CSV)
    return path


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


# ---- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "open"])
def test_line_ends(tmp_path, ends, last):
    path = tmp_path / "data.csv"
    text = CSV if last else CSV.rstrip("\n")
    path.write_bytes(text.replace("\n", ends).encode())
    table = read_table(path)
    pd.testing.assert_frame_equal(table, pd.read_csv(io.StringIO(CSV)))
    assert len(table) == 180


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_are_recognised(tmp_path, separator):
    path = tmp_path / "data.csv"
    path.write_text(CSV.replace(",", separator))
    assert list(read_table(path).columns) == ["Reaction", "Days", "Subject"]


def test_semicolons_let_numbers_have_decimal_commas(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("y;x;group\n1,5;2;a\n-2,25;3;b\n")
    assert read_table(path)["y"].tolist() == [1.5, -2.25]


def test_gzip_and_parquet_are_told_by_their_bytes(tmp_path):
    zipped, parquet = tmp_path / "zipped.csv", tmp_path / "table.data"
    zipped.write_bytes(gzip.compress(CSV.replace("\n", "\r").encode()))
    SLEEP.to_parquet(parquet)
    assert len(read_table(zipped)) == 180
    pd.testing.assert_frame_equal(read_table(parquet), SLEEP)


def test_quoted_names_blank_lines_marks_and_missing_values(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b'\xef\xbb\xbf"reaction time, ms","my group"\n1.5,"a, b"\n\nNA,c\n')
    table = read_table(path)
    assert list(table.columns) == ["reaction time, ms", "my group"]
    assert table["my group"].tolist() == ["a, b", "c"]
    assert table["reaction time, ms"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "holds no rows"),
        (b"a,b\n", "holds no rows"),
        (b"a,b\n1,2\n1,2,3\n", "Row 2 .* has 3 fields, but the first line names 2"),
        (b"a,b\n1\n", "Row 1 .* has 1 fields"),
        (b"a,b\n" + b"1,2\n" * 80 + b"1,2,3\n", "Row 81 "),
        (b"a,b\n" + b"1,2\n" * 80 + b'1,"2\n', "Row 81 |cannot be read"),
        (b"a,b,a\n1,2,3\n", "more than one column called 'a'"),
        (b"a;b,c\n1;2,3\n", "Cannot tell what separates.*more than one"),
        (b"caf\xe9,b\n1,2\n", "not UTF-8.*iconv"),
        (b"\x1f\x8bnot really", "cannot be read"),
        (gzip.compress(CSV.encode(), mtime=0)[:10] + b"\xff" * 50, "cannot be read"),
        (b"PAR1xxxx", "not a Parquet file that can be read"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16 text.*iconv -f utf-16 "),
        ("a,b\n1,2\n".encode("utf-16-le"), "is UTF-16 text.*iconv -f utf-16le "),
        ("a,b\n1,2\n".encode("utf-16-be"), "is UTF-16 text.*iconv -f utf-16be "),
        (b"PK\x03\x04xl/worksheets", "spreadsheet or zip archive.*as CSV"),
    ],
)
def test_a_file_that_is_not_a_table_is_explained(tmp_path, raw, words):
    path = tmp_path / "data.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=words):
        read_table(path)


def test_an_ambiguous_separator_can_be_given(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a;b,c\n1;2,3\n")
    assert list(read_table(path, ";").columns) == ["a", "b,c"]


@pytest.mark.parametrize("typed", ["tab", "\\t", "\t"])
def test_a_tab_can_be_typed(tmp_path, typed):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a\tb,c\n1\t2,3\n")
    assert read_table(path, typed)["b,c"].tolist() == [2.3]


@pytest.mark.parametrize("typed", [";;", "é", "\n"])
def test_a_separator_is_one_character(sleep_csv, typed):
    with pytest.raises(OptionError, match="one character"):
        read_table(sleep_csv, typed)


def test_quotes_in_some_rows_only(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b'a,b\n1,x\n2,"y, z"\n\n3,"say ""hi"", you"\n4,w')
    assert read_table(path)["b"].tolist() == ["x", "y, z", 'say "hi", you', "w"]


def test_a_missing_file_suggests_the_one_beside_it(sleep_csv):
    with pytest.raises(DataError, match=r"There is no file .*slep.csv'. Did you mean .*sleep.csv'"):
        read_table(sleep_csv.with_name("slep.csv"))


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    SLEEP.to_parquet(path)

    def refuse(*_: object, **__: object) -> None:
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", refuse)
    with pytest.raises(MissingDependencyError, match=r"pip install 'henderson\[cli\]'"):
        read_table(path)


def test_a_table_of_the_old_mac(capsys):
    path = Path(__file__).resolve().parents[2] / "shared" / "data" / "bounce.csv"
    if not path.exists():
        pytest.skip("the bounce-time table is not here")
    table = read_table(path)
    assert table.shape == (480, 4)
    assert round(table["bounce_time"].mean(), 6) == 201.316462
    status, out, _ = run(capsys, "fit", path, "bounce_time ~ age + (1 | county)")
    assert status == 0
    assert "480" in out


# ---- fitting -------------------------------------------------------------------------------------


def test_fit_prints_the_summary(capsys, sleep_csv):
    status, out, err = run(capsys, "fit", sleep_csv, FORMULA, "--factor", "Subject")
    fit = hd.lmm(FORMULA, SLEEP)
    assert status == 0
    assert err == ""
    assert out.strip() == str(fit.summary()).strip()


def test_a_shipped_data_set_can_be_named(capsys):
    status, out, _ = run(capsys, "fit", "sleepstudy", FORMULA, "--ml")
    assert status == 0
    assert out.strip() == str(hd.lmm(FORMULA, SLEEP, reml=False).summary()).strip()


def test_json_is_the_fit_as_a_dict(capsys, sleep_csv, tmp_path):
    target = tmp_path / "fit.json"
    status, out, _ = run(capsys, "fit", sleep_csv, FORMULA, "--factor", "Subject", "--json", target)
    assert status == 0
    assert target.as_uri() in out
    saved = json.loads(target.read_text())
    again = hd.LinearMixedFit.from_dict(saved)
    assert again.criterion == pytest.approx(1743.6282719585, abs=1e-7)


def test_the_report_is_one_page_that_loads_nothing(capsys, sleep_csv, tmp_path):
    target = tmp_path / "out.html"
    status, out, _ = run(capsys, "fit", sleep_csv, FORMULA, "--factor", "Subject", "--report", target)
    assert status == 0
    assert target.as_uri() in out
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("data:image/png;base64,") == 3
    for outside in ("http://", "https://", "<script", "<link", "@import"):
        assert outside not in page.replace("http://www.w3.org", "")
    assert "251.405" in page


def test_the_report_says_where_other_variables_are_held():
    from henderson.report import render_report

    data = hd.datasets.load("orthodont")
    fit = hd.lmm("distance ~ age + Sex + (1 | Subject)", data)
    page = render_report(fit)
    assert "Held at what is typical of each Subject (the median, or the most frequent level): Sex." in page
    assert "left out" not in page
    assert "means of the fitted values" in render_report(hd.LinearMixedFit.from_dict(fit.to_dict()))
    assert "Held at" not in render_report(hd.lmm("distance ~ age + (1 | Subject)", data))
    crossed, truth = hd.datasets.simulate_crossed(8, 6, seed=1)
    assert "Effects of item are left out of the lines." in render_report(hd.lmm(truth.formula, crossed))


def test_all_pictures_of_the_report_have_one_scale():
    from henderson.report import render_report

    page = render_report(hd.lmm("Reaction ~ Days + (1 | Subject)", SLEEP))
    widths = re.findall(r'<img style="width: (\d+)%" src="data:image/png;base64,([^"]+)"', page)
    pixels = [int.from_bytes(base64.b64decode(image)[16:20], "big") for _, image in widths]
    assert [int(share) for share, _ in widths] == [99, 50, 100]
    assert pixels == [1188, 600, 1200]


def test_weights_offset_and_several_factors(capsys, tmp_path):
    data = SLEEP.assign(w=1.0 + SLEEP["Days"], o=2.0 * SLEEP["Days"], half=SLEEP["Days"] % 2)
    path = tmp_path / "data.csv"
    data.to_csv(path, index=False)
    status, out, _ = run(
        capsys, "fit", path, "Reaction ~ half + (1 | Subject)", "--weights", "w", "--offset", "o",
        "--factor", "half", "Subject",
    )  # fmt: skip
    expected = hd.lmm(
        "Reaction ~ half + (1 | Subject)", data.astype({"half": "category"}), weights="w", offset="o"
    )
    assert status == 0
    assert out.strip() == str(expected.summary()).strip()


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "nowhere.csv", FORMULA], "There is no file 'nowhere.csv'"),
        (["fit", "sleepstudy", "Reaction ~ Dayz + (1 | Subject)"], "Days"),
        (["fit", "sleepstudy", "Reaction ~ Days + (1 | Subject"], "^"),
        (["fit", "sleepstudy", "Reaction ~ Days"], "henderson:"),
        (["fit", "sleepstudy", FORMULA, "--weights", "none"], "none"),
        (["fit", "sleepstudy", FORMULA, "--factor", "subject"], "Did you mean 'Subject'"),
        (["datasets", "sleep"], "Did you mean 'sleepstudy'"),
    ],
)
def test_what_is_wrong_is_said_on_standard_error(capsys, arguments, words):
    status, out, err = run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("henderson: ")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("typed", ["sleepstud", "sleepstudies"])
def test_a_mistyped_data_set_is_recognised(capsys, typed):
    status, _, err = run(capsys, "fit", typed, FORMULA)
    assert status == 2
    assert "Did you mean the shipped data set 'sleepstudy'?" in err


def test_formula_and_data_in_the_wrong_order_are_noticed(capsys):
    for formula in (FORMULA, "y ~ " + " + ".join(f"x{number}" for number in range(99)) + " + (1 | g)"):
        status, out, err = run(capsys, "fit", formula, "data.csv")
        assert (status, out) == (2, "")
        assert f'henderson fit data.csv "{formula}"' in err


@pytest.mark.parametrize(
    "words",
    [
        ["sleepstudy", "--factor", "Subject", FORMULA],
        ["--factor", "Subject", "sleepstudy", FORMULA],
    ],
)
def test_a_formula_taken_for_a_factor_is_explained(capsys, words):
    with pytest.raises(SystemExit) as stop:
        main(["fit", *words])
    assert stop.value.code == 2
    assert "--factor took the formula" in " ".join(capsys.readouterr().err.split())


def test_two_hyphens_end_the_factors(capsys):
    status, out, _ = run(capsys, "fit", "sleepstudy", "--factor", "Subject", "--", FORMULA)
    assert status == 0
    assert "1743.6" in out


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("option", ["--json", "--report"])
@pytest.mark.parametrize("how", ["name", "symlink", "hard link", "detour"])
def test_the_data_are_never_overwritten(capsys, sleep_csv, option, how):
    target = sleep_csv.with_name("other.csv")
    if how == "symlink":
        target.symlink_to(sleep_csv)
    elif how == "hard link":
        os.link(sleep_csv, target)
    elif how == "detour":
        target = sleep_csv.parent / ".." / sleep_csv.parent.name / "sleep.csv"
    else:
        target = sleep_csv
    status, out, err = run(capsys, "fit", sleep_csv, FORMULA, option, target)
    assert (status, out) == (2, "")
    assert "is the data file" in err
    assert sleep_csv.read_text() == CSV


def test_two_outputs_need_two_files(capsys, sleep_csv, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "same.out")
    for report in (tmp_path / "same.out", link):
        status, out, err = run(
            capsys, "fit", sleep_csv, FORMULA, "--json", tmp_path / "same.out", "--report", report
        )
        assert (status, out) == (2, "")
        assert "--json and --report name the same file" in err
    assert entries(tmp_path) == ["link", "sleep.csv"]


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_a_folder_that_is_missing_is_named_before_the_data_are_read(capsys, tmp_path, option):
    status, out, err = run(capsys, "fit", "nowhere.csv", FORMULA, option, tmp_path / "typo" / "deep" / "fit")
    assert (status, out) == (2, "")
    assert f"There is no folder {str(tmp_path / 'typo')!r}" in err
    assert entries(tmp_path) == []


def test_an_output_that_cannot_be_written_is_explained(capsys, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for path, words in ((blocked / "fit.json", "is not a folder"), (tmp_path, "is a folder")):
        status, _, err = run(capsys, "fit", "sleepstudy", FORMULA, "--json", path)
        assert status == 2
        assert "Cannot write" in err
        assert words in err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_noticed_before_the_fit(capsys, tmp_path):
    tmp_path.chmod(0o500)
    status, _, err = run(capsys, "fit", "nowhere.csv", FORMULA, "--json", tmp_path / "fit.json")
    tmp_path.chmod(0o700)
    assert status == 2
    assert "may not write" in err


def test_where_one_output_fails_none_is_written(capsys, sleep_csv, tmp_path, monkeypatch):
    (tmp_path / "fit.json").write_text("of yesterday")
    before = entries(tmp_path)
    targets = ("--json", tmp_path / "fit.json", "--report", tmp_path / "out.html")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("henderson.report.render_report", lambda _: "page" * 10_000)
    monkeypatch.setattr(os, "fsync", full)
    status, out, err = run(capsys, "fit", sleep_csv, FORMULA, *targets)
    assert (status, out) == (2, "")
    assert "No space left" in err
    assert entries(tmp_path) == before
    assert (tmp_path / "fit.json").read_text() == "of yesterday"


def test_a_missing_matplotlib_is_noticed_before_the_data_are_read(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    target = tmp_path / "out.html"
    status, out, err = run(capsys, "fit", "nowhere.csv", FORMULA, "--report", target)
    assert (status, out) == (2, "")
    assert "pip install 'henderson[plot]'" in err


def test_an_output_through_a_link_keeps_the_link(capsys, tmp_path):
    link, target = tmp_path / "latest.json", tmp_path / "fit.json"
    target.write_text("of yesterday")
    target.chmod(0o640)
    link.symlink_to(target)
    assert run(capsys, "fit", "sleepstudy", FORMULA, "--json", link)[0] == 0
    assert link.is_symlink()
    assert "estimate" in json.loads(target.read_text())
    assert target.stat().st_mode & 0o777 == 0o640
    assert entries(tmp_path) == ["fit.json", "latest.json"]


@pytest.mark.skipif(os.name == "nt", reason="devices of POSIX")
def test_an_output_may_be_a_device(capsys):
    assert run(capsys, "fit", "sleepstudy", FORMULA, "--json", "/dev/null")[0] == 0
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("arguments", [[], ["fit"], ["fit", "a"], ["fly"], ["fit", "a", "b", "--nonsense"]])
def test_wrong_usage_exits_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: henderson" in capsys.readouterr().err


# ---- the other commands --------------------------------------------------------------------------


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"henderson {hd.__version__}\n"


def test_datasets_are_listed_and_described(capsys):
    _, listed, _ = run(capsys, "datasets")
    assert [line.split()[0] for line in listed.splitlines()] == hd.datasets.names()
    _, described, _ = run(capsys, "datasets", "cbpp")
    assert "Ethiopian highlands" in described


def test_module_and_command_are_the_same_program():
    by_module = subprocess.run(
        [sys.executable, "-m", "henderson", "--version"], capture_output=True, text=True, check=True
    )
    assert by_module.stdout == f"henderson {hd.__version__}\n"
    command = Path(sys.executable).with_name("henderson")
    if command.exists():
        by_command = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
        assert by_command.stdout == by_module.stdout


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_stops_early_is_no_error():
    code = f"import sys; from henderson.cli import main; sys.exit(main(['fit', 'sleepstudy', {FORMULA!r}]))"
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.close()
    assert program.stderr.read() == b""
    assert program.wait() == 0


@pytest.mark.parametrize("kind", DDF)
def test_degrees_of_freedom_can_be_chosen(capsys, kind):
    main(["fit", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "--ddf", kind])
    out = capsys.readouterr().out
    assert METHODS[kind] in out
    assert ("Pr(>|z|)" in out) == (kind == "none")


def test_a_folder_or_a_pattern_is_summed_in_chunks(capsys, tmp_path):
    data = hd.datasets.load("sleepstudy")
    for i in range(3):
        data[60 * i : 60 * (i + 1)].to_csv(tmp_path / f"part-{i}.csv", index=False)
    formula = "Reaction ~ Days + (Days | Subject)"
    for source in (tmp_path, tmp_path / "*.csv"):
        status, out, _ = run(capsys, "fit", source, formula)
        assert status == 0
        assert "REML criterion at convergence: 1743.6" in out
        assert "the rows stayed in 3 CSV files" in out
        for option, words in (
            (("--factor", "Days"), "write factor(Days) in the formula"),
            (("--report", tmp_path / "a.html"), "--report is for one file"),
            (("--separator", ";"), "--separator is for one file"),
        ):
            status, _, err = run(capsys, "fit", source, formula, *option)
            assert status != 0
            assert words in err
    status, _, err = run(capsys, "fit", tmp_path / "*.parquet", formula)
    assert status != 0
    assert "There is no file" in err
