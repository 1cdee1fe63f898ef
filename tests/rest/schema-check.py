#!/usr/bin/python3
"""schema-check.py SCHEMA -- file names on standard input, one a line; each is answered by "ok" or by the first fault, with its place."""
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for line in sys.stdin:
    try:
        fault = jsonschema.exceptions.best_match(validator.iter_errors(json.load(open(line.strip()))))
        print("ok" if fault is None else "/" + "/".join(map(str, fault.absolute_path)) + ": " + fault.message.replace("\n", " ")[:300])
    except ValueError as e:
        print("no JSON: %s" % e)
    sys.stdout.flush()
