#!/usr/bin/python3
import json, os, ssl, sys, urllib.request
request, results = json.load(sys.stdin), os.fdopen(3, "w")
config = request["config"]
tls = ssl.create_default_context(cadata=config.get("caBundle"))
query = urllib.request.Request(config["baseUrl"] + "/Users?count=100", headers={"Authorization": "Bearer " + config["token"]})
page = json.load(urllib.request.urlopen(query, context=tls if query.type == "https" else None))
for u in page["Resources"] if request["type"].endswith(":list") else [{}]:
    data = {"key": {"simple": {"id": u["id"]}}, "attributes": {"name": u["userName"]}} if u else {}
    print(json.dumps({"type": "output", "data": data}), file=results)
