"""Holds IATI files against the standard's schemas and its ruleset, and prints what is wrong with each,
how many activities or organisations it has, and what its flows add up to, as JSON.

Usage: iati.py SCHEMAS RULESET FILE...; SCHEMAS has a folder for each version. Only faults that the
ruleset calls errors are told. `iati.py sums FILE...` tells only what flows add up to, and of which activities.
"""

import collections
import datetime
import decimal
import json
import pathlib
import re
import sys

from lxml import etree

NOW = datetime.date.today()
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def found(node, path):
    """The nodes, or the texts of attributes, that a path finds."""
    result = node.xpath(path)
    return result if isinstance(result, list) else [result]


def text(item):
    return item if isinstance(item, str) else (item.text or "")


def date(node, path):
    if path == "NOW":
        return NOW
    values = [text(item)[:10] for item in found(node, path)]
    return datetime.date.fromisoformat(values[0]) if values else None


def loops(node, case):
    for value in dict.fromkeys(text(item) for item in found(node, case["foreach"])):
        for rule, inner in case["do"].items():
            for one in inner["cases"]:
                filled = json.loads(json.dumps(one).replace("$1", value))
                yield from check(node, rule, filled)


def holds(node, rule, case):
    """Whether a rule holds; one that this does not know is an error."""
    values = [item for path in case.get("paths", []) for item in found(node, path)]
    texts = [text(item) for item in values]
    if rule == "atleast_one":
        return bool(values)
    if rule == "no_more_than_one":
        return len(values) <= 1
    if rule == "unique":
        return len(texts) == len(set(texts))
    if rule == "startswith":
        prefixes = [text(item) for path in case["prefix"] for item in found(node, path)]
        return all(any(value.startswith(prefix) for prefix in prefixes) for value in texts)
    if rule == "one_or_all":
        if found(node, case["one"]):
            return True
        if case["all"] == "lang":
            return all(item.get(XML_LANG) for item in node.iter("narrative"))
        if case["all"] == "currency":
            money = [item for name in ("value", "forecast") for item in node.iter(name)]
            return all(item.get("currency") for item in money)
        parts = node.findall("transaction")
        has = [part.find(case["all"]) is not None for part in parts]
        return all(has) or not any(has)
    if rule == "date_now":
        value = date(node, case["date"])
        return value is None or value <= NOW
    if rule == "date_order":
        less, more = date(node, case["less"]), date(node, case["more"])
        pairs = [(less, more)]
        if case["more"] == "NOW":
            pairs = [(datetime.date.fromisoformat(text(item)[:10]), NOW) for item in found(node, case["less"])]
        return all(a is None or b is None or a <= b for a, b in pairs)
    if rule == "between_dates":
        value, start, end = (date(node, case[name]) for name in ("date", "start", "end"))
        return None in (value, start, end) or start <= value <= end
    if rule == "time_limit":
        start, end = date(node, case["start"]), date(node, case["end"])
        return None in (start, end) or (end - start).days <= 366
    if rule == "regex_matches":
        return all(re.search(case["regex"], value) for value in texts)
    if rule == "no_spaces":
        return all(value == value.strip() for value in texts)
    if rule == "strict_sum":
        return not texts or abs(sum(float(value) for value in texts) - case["sum"]) < 1e-9
    if rule == "range":
        return all(case["min"] <= float(value) <= case["max"] for value in texts)
    if rule == "if_then":
        return not node.xpath(f"boolean({case['if']})") or node.xpath(f"boolean({case['then']})")
    raise ValueError(rule)


def check(node, rule, case):
    if rule == "loop":
        yield from loops(node, case)
        return
    info = case["ruleInfo"]
    if info["severity"] != "error" or "idCondition" in case:
        return
    if "condition" in case and not node.xpath(f"boolean({case['condition']})"):
        return
    if not holds(node, rule, case):
        yield f"{info['id']} {info['message']}"


def faults(schemas, ruleset, path):
    # Comments have to be none for texts to be whole.
    tree = etree.parse(path, etree.XMLParser(remove_comments=True, huge_tree=True))
    root = tree.getroot()
    kind = {"iati-activities": "activities", "iati-organisations": "organisations"}[root.tag]
    schema = etree.XMLSchema(etree.parse(schemas / root.get("version") / f"iati-{kind}-schema.xsd"))
    if not schema.validate(tree):
        yield from (f"line {error.line}: {error.message}" for error in schema.error_log)
    for where, rules in ruleset.items():
        for path in where.split(" | "):
            for node in tree.xpath(path):
                for rule, cases in rules.items():
                    for case in cases["cases"]:
                        for fault in check(node, rule, case):
                            yield f"line {node.sourceline}: {fault}"


def sums(path):
    totals = collections.Counter()
    root = etree.parse(path, etree.XMLParser(remove_comments=True, huge_tree=True)).getroot()
    for flow in root.iter("transaction"):
        value = flow.find("value")
        currency = (value.get("currency") or flow.getparent().get("default-currency")).upper()
        totals[f"{flow.find('transaction-type').get('code')} {currency}"] += decimal.Decimal(value.text.strip())
    return len(root), {key: str(total) for key, total in sorted(totals.items())}


def main():
    if sys.argv[1] == "sums":
        told = {}
        for path in sys.argv[2:]:
            number, totals = sums(path)
            names = [name.strip() for name in etree.parse(path).xpath("/*/iati-activity/iati-identifier/text()")]
            told[path] = {"activities": names, "sums": totals}
        print(json.dumps(told))
        return
    schemas, ruleset = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
    told = {}
    for path in sys.argv[3:]:
        number, totals = sums(path)
        told[path] = {"faults": list(faults(schemas, ruleset, path)), "number": number, "sums": totals}
    print(json.dumps(told))


main()
