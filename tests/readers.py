"""Reads what a register gives with the readers that people use, and prints what they saw as JSON.

Usage: readers.py FOLDER, which holds grants.csv, grants.xlsx, grants.parquet and grants.geojson;
with --libreoffice PROGRAM the workbook goes through that first.
"""

import csv
import json
import pathlib
import subprocess
import sys

import openpyxl
import pandas
import polars
import pyogrio


def plain(value):
    """Numbers as text with two places, everything else as text, nothing as null."""
    if value is None or value != value:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:.2f}"
    return str(value)


def rows(records):
    return [[plain(record[name]) for name in ("identifier", "title_en", "budget_amount")] for record in records]


def seen(folder):
    with open(folder / "grants.csv", newline="", encoding="utf-8") as lines:
        yield "csv", rows([{**row, "budget_amount": float(row["budget_amount"])} for row in csv.DictReader(lines)])
    yield "pandas csv", rows(pandas.read_csv(folder / "grants.csv").to_dict("records"))
    yield "polars csv", rows(polars.read_csv(folder / "grants.csv").to_dicts())
    sheet = openpyxl.load_workbook(folder / "grants.xlsx")["grants"]
    header, *cells = sheet.iter_rows(values_only=True)
    records = [dict(zip(header, line)) for line in cells]
    yield "openpyxl", rows(records)
    yield "openpyxl types", sorted({type(record["start_date"]).__name__ for record in records})
    yield "pandas xlsx", rows(pandas.read_excel(folder / "grants.xlsx").to_dict("records"))
    frame = polars.read_parquet(folder / "grants.parquet")
    yield "polars parquet", rows({**row, "budget_amount": float(row["budget_amount"])} for row in frame.to_dicts())
    names = ["title_en", "budget_amount", "version", "created_at", "start_date", "places_location"]
    yield "polars types", {name: str(frame.schema[name]) for name in names}
    about, _, _, columns = pyogrio.raw.read(folder / "grants.geojson", columns=["identifier", "title"])
    features = dict(zip(about["fields"], columns))
    titles = [json.loads(title)["en"] for title in features["title"]]
    yield "pyogrio", [list(pair) for pair in zip(features["identifier"], titles)]


def main():
    folder = pathlib.Path(sys.argv[1])
    answer = dict(seen(folder))
    if "--libreoffice" in sys.argv:
        program = sys.argv[sys.argv.index("--libreoffice") + 1]
        subprocess.run(
            [program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76",
             "--outdir", folder / "converted", folder / "grants.xlsx"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        with open(folder / "converted" / "grants.csv", newline="", encoding="utf-8") as lines:
            records = [{**row, "budget_amount": float(row["budget_amount"])} for row in csv.DictReader(lines)]
            answer["libreoffice"] = rows(records)
    print(json.dumps(answer))


main()
