"""Fetches a member's whole record: ACCESS_TOKEN=… python3 whole_record.py BASE FOLDER"""
import gzip, json, os, pathlib, sys, time, urllib.error, urllib.request

# One line for what goes wrong, such as a gateway that cannot be reached.
sys.excepthook = lambda kind, error, _: print(f"{kind.__name__}: {error}", file=sys.stderr)
if len(sys.argv) != 3:
    sys.exit(__doc__)
base, folder = sys.argv[1].rstrip("/"), pathlib.Path(sys.argv[2])


def access_token():  # In your app: refresh it before it expires.
    return os.environ.get("ACCESS_TOKEN") or sys.exit("Set ACCESS_TOKEN to an access token of the member's grant.")


def call(url, method="GET", **headers):
    headers = {"Authorization": f"Bearer {access_token()}", "Accept-Encoding": "gzip", **headers}
    for tries in range(1, 21):
        try:
            return urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=60)
        except urllib.error.HTTPError as error:
            if error.headers["Content-Location"]:
                return error  # An export of this record is already running: follow that one.
            if error.code not in (429, 502, 503, 504) or tries == 20:
                sys.exit(f"{method} {url}: {error.code} {error.read().decode()}")
            time.sleep(int(error.headers["Retry-After"] or 30))


def save(file):
    answer = call(file["url"])
    lines = gzip.GzipFile(fileobj=answer) if answer.headers["Content-Encoding"] == "gzip" else answer
    with open(folder / file["url"].rsplit("/", 1)[1], "wb") as out:
        count = sum(1 for line in lines if out.write(line))  # As bytes: str.splitlines() also splits at U+2028.
        size = out.tell()
    found, said, what = (size, file["size"], "bytes") if "size" in file else (count, file["count"], "lines")
    if found != said:
        sys.exit(f"{file['url']} has {found} {what} instead of {said}.")


folder.mkdir(parents=True, exist_ok=True)
status = call(f"{base}/Patient/$export", Prefer="respond-async").headers["Content-Location"]
while (answer := call(status)).status == 202:
    print(answer.headers["X-Progress"])
    time.sleep(int(answer.headers["Retry-After"]))
manifest = json.load(gzip.GzipFile(fileobj=answer) if answer.headers["Content-Encoding"] == "gzip" else answer)
for file in manifest["output"] + manifest["error"] + manifest["extension"]["attachments"]:
    save(file)
(folder / "manifest.json").write_text(json.dumps(manifest, indent=2))
call(status, method="DELETE")
for type in manifest["extension"]["outcomes"]:
    print(type["type"], type["outcome"], type["count"], type.get("reason", ""))
