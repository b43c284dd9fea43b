"""Metering from Python (3.8 or later), with nothing but the standard library.

usage: PGTALLY_URL=http://127.0.0.1:8080 PGTALLY_KEY=tally_live_... python3 meter.py

It sends 2,500 events of the code `gpu` and reads what the metric `gpu-seconds` makes of them.
"""
import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal

ATTEMPTS = 8
BATCH_SIZE = 1000  # tallyd takes up to 10,000 at once


class Meter:
    def __init__(self, url, key):
        self.url = url
        self.key = key

    def request(self, method, target, body=None):
        """Asks until there is an answer. Sending again is safe: an event counts once, however often its event_id comes."""
        for attempt in range(1, ATTEMPTS + 1):
            wait = min(30, 2**attempt / 10) * random.uniform(0.5, 1.5)  # grows, and differs from client to client
            request = urllib.request.Request(
                self.url + target,
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                problem = RuntimeError(f"{error.code}: {error.read().decode()}")
                if error.code != 429 and error.code < 500:
                    # What is wrong with the request will be wrong again; `failures` in the text name the events.
                    raise problem from None
                wait = float(error.headers.get("Retry-After", wait))
            except OSError as error:
                problem = error  # no answer: the events may be stored or not
            if attempt == ATTEMPTS:
                raise problem
            time.sleep(wait)

    def send(self, events):
        accepted = duplicates = 0
        for at in range(0, len(events), BATCH_SIZE):
            answer = self.request("POST", "/api/v1/events/ingest", {"events": events[at : at + BATCH_SIZE], "allow_backfilling": True})
            accepted += answer["accepted"]
            duplicates += answer["duplicates"]
        return accepted, duplicates

    def usage(self, metric, start, end, group_by=()):
        query = urllib.parse.urlencode([("from", start), ("to", end), *(("group_by", name) for name in group_by)])
        return self.request("GET", f"/api/v1/metrics/{urllib.parse.quote(metric, safe='')}/usage?{query}")


def main():
    meter = Meter(os.environ.get("PGTALLY_URL", "http://127.0.0.1:8080"), os.environ["PGTALLY_KEY"])
    events = [
        {
            "event_id": f"py-{n}",  # made where the thing happened, once: a row's id, a request's id
            "code": "gpu",
            "customer_id": f"customer-{n % 5}",
            "timestamp": "2026-03-01T10:00:00Z",
            "properties": {"seconds": "0.1", "region": "eu" if n % 2 else "us"},
        }
        for n in range(2500)
    ]
    accepted, duplicates = meter.send(events)
    print(f"accepted {accepted}, duplicates {duplicates}")
    usage = meter.usage("gpu-seconds", "2026-03-01", "2026-04-01", ["region"])
    # Values are decimal texts, exact to the last digit.
    for row in usage["usage"]:
        print(f"{row['dimensions']['region']}: {Decimal(row['value'])}")
    print(f"total {Decimal(usage['total']['value'])}")


if __name__ == "__main__":
    main()
