#!/usr/bin/env python3
"""An example of a site's plugin as a program: services that are down on purpose.

It gets one request as a line of JSON on standard input and answers with lines of JSON on standard
output; docs/plugin-guide.md describes both. The facts come from a file such as

    [{"service": "shop.service", "until": 1789000000, "reason": "database migration"}]
"""

import json
import sys


def send(line):
    print(json.dumps(line))


def collect(request):
    path = request["root"] + request["parameters"]["file"]
    try:
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)
    except FileNotFoundError:
        return  # nobody wrote one: nothing is down on purpose
    except (OSError, ValueError) as error:
        # "Could not look" is a gap, never an empty table.
        send({"gap": {"id": "file",
                      "what": "the list of services that are down on purpose",
                      "why": f"{path}: {error}",
                      "effect": "a service that is down on purpose is not named as such",
                      "remedy": "mend the file, or let this user read it"}})
        return
    for entry in entries:
        send({"row": "acme_maintenance",
              "cells": {"service": entry["service"],
                        "until": entry.get("until"),
                        "reason": entry.get("reason")}})


collect(json.loads(sys.stdin.readline()))
send({"done": True})
