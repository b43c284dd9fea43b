# Sourced by the benchmarks that compare with DuckDB: brings npm's package into .build/bench and sets NODE_PATH; where it cannot
# be had, says what is missing, and the other benchmarks go on.
package=@duckdb/node-api
home=$PWD/.build/bench
name=$(basename "$0" .sh)

skip() { echo "$name: not compared: $1"; exit 0; }
command -v node >/dev/null || skip 'node is missing (Debian: nodejs)'
if [ ! -d "$home/node_modules/$package" ]; then
    command -v npm >/dev/null || skip "npm is missing (Debian: npm), which brings the package $package"
    mkdir -p "$home"
    npm install --no-save --no-audit --no-fund --prefix "$home" "$package" >"$home/npm.log" 2>&1 ||
        skip "npm cannot install $package: $(grep -m 1 -i error "$home/npm.log" || tail -n 1 "$home/npm.log") (all of it is in .build/bench/npm.log)"
fi
export NODE_PATH=$home/node_modules
