#!/bin/sh
# Makes flights.csv.gz anew from the npm package that it came from. Only for maintainers: nothing else runs it, and it is
# the one script here that needs npm and the network. Row n of the file (from 1, after the header) is event `flight-n`.
set -eu
version=3.2.1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm pack --silent "vega-datasets@$version" >/dev/null
tar xzf "vega-datasets-$version.tgz" package/data/flights-20k.json
node -e '
    const rows = JSON.parse(require("fs").readFileSync("package/data/flights-20k.json", "utf8"));
    const time = (date) => date.replace(/\//g, "-").replace(" ", "T") + ":00Z";
    console.log("time,delay,distance,origin,destination");
    for (const r of rows) console.log([time(r.date), r.delay, r.distance, r.origin, r.destination].join(","));
' | gzip -9n > "$here/flights.csv.gz"
ls -l "$here/flights.csv.gz"
