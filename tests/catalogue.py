"""Holds a register's Data Package against frictionless, and prints what it finds as JSON.

Usage: catalogue.py ADDRESS
"""

import json
import sys
import urllib.request

import frictionless

with urllib.request.urlopen(sys.argv[1] + "/v1/datapackage.json") as answer:
    package = frictionless.Package.from_descriptor(json.load(answer))
report = package.validate()
errors = report.flatten(["resourceName", "fieldName", "type", "message"])
print(json.dumps({"valid": report.valid, "tasks": len(report.tasks), "errors": errors[:20]}))
