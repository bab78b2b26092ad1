"""A photo survey leaves by the toolbox: files, and a folder of files."""

from pathlib import Path

from qgis.core import QgsProcessing


def test_export_from_the_toolbox(run, tmp_path, context, feedback):
    text = "Name,Row,Column,Label code\r\na.jpg,3,4,Por\r\na.jpg,5,6,\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode())
    (tmp_path / "photos.csv").write_text("name,site\na.jpg,Reef 1\n")
    survey, out = str(tmp_path / "s.gpkg"), str(tmp_path / "out.csv")
    run("importreef", ANNOTATIONS=[str(tmp_path / "a.csv")], TABLE=str(tmp_path / "photos.csv"), OUTPUT=survey,
        context=context, feedback=feedback)  # fmt: skip
    results = run("exportreef", SURVEY=survey, CORALNET=out, context=context, feedback=feedback)
    assert results["CORALNET"] == out and "CPCE" not in results
    assert Path(out).read_bytes() == text.encode()
    run("exportreef", SURVEY=survey, CORALNET=out, FIELDS=["site"], COLUMNS=["suggestions"], context=context,
        feedback=feedback)  # fmt: skip
    assert Path(out).read_text().startswith("Name,site,Row,Column,Label code,Machine suggestion 1,")


def test_a_folder_may_be_temporary_and_is_filled(run, tmp_path, context, feedback):
    (tmp_path / "a.cpc").write_bytes(
        b'"c.txt","D:\\a.jpg",1500,1500,14400,10800\r\n0,0\r\n0,0\r\n0,0\r\n0,0\r\n1\r\n15,30\r\n"1","A","Notes",""\r\n'
    )
    survey = str(tmp_path / "s.gpkg")
    run("importreef", ANNOTATIONS=[str(tmp_path / "a.cpc")], OUTPUT=survey, context=context, feedback=feedback)
    for wanted in (str(tmp_path / "out"), QgsProcessing.TEMPORARY_OUTPUT):
        folder = run("exportreef", SURVEY=survey, CPCE=wanted, context=context, feedback=feedback)["CPCE"]
        assert (Path(folder) / "a.cpc").read_bytes() == (tmp_path / "a.cpc").read_bytes()
