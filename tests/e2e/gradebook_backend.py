"""The gradebook's own backend: its own endpoints and shapes, in another language, on a SQLite file. It knows nothing of lastword.

Usage: gradebook_backend.py DATABASE PORT
"""

import gzip
import json
import sqlite3
import sys
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qs, urlsplit

TABLES = {
    "/api/desktop/students": "students",
    "/api/desktop/subjects": "subjects",
    "/api/desktop/sync/ecr-scores": "student_ecr_item_scores",
    "/api/desktop/sync/running-grades": "student_running_grades",
}
TOKEN = "gradebook-token"


class Store:
    """Rows as JSON beside what the rules need. One writer at a time."""

    def __init__(self, path):
        self.lock = Lock()
        self.db = sqlite3.connect(path, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        for table in TABLES.values():
            self.db.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, updated_at TEXT NOT NULL, row TEXT NOT NULL)"
            )
        self.db.execute("CREATE TABLE IF NOT EXISTS history (seq INTEGER PRIMARY KEY AUTOINCREMENT, conflicts INTEGER NOT NULL DEFAULT 0)")
        self.db.commit()

    def take(self, table, rows):
        """Stores an array of rows; answers what became of each."""
        answer = {"synced": [], "conflicts": [], "errors": []}
        with self.lock, self.db:
            for row in rows:
                problem = wrong(row)
                held = self.db.execute(f"SELECT row FROM {table} WHERE id = ?", (row["id"],)).fetchone()
                kept = json.loads(held[0]) if held else None
                if problem:
                    answer["errors"].append({"id": row["id"], "message": problem})
                elif kept and kept["updated_at"] > row["updated_at"]:
                    self.db.execute("INSERT INTO history (conflicts) VALUES (1)")
                    answer["conflicts"].append({"id": row["id"], "server": kept})
                elif kept and kept["updated_at"] == row["updated_at"]:
                    answer["synced"].append({"id": row["id"], "updated_at": kept["server_updated_at"]})
                else:
                    answer["synced"].append({"id": row["id"], "updated_at": self.store(table, row)})
        return answer

    def store(self, table, row):
        seq = self.db.execute("INSERT INTO history DEFAULT VALUES").lastrowid
        # Strictly increasing, whatever the clock does.
        at = (datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=seq)).isoformat(timespec="milliseconds")
        stored = {**row, "server_updated_at": at.replace("+00:00", "Z")}
        self.db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)", (row["id"], seq, row["updated_at"], json.dumps(stored)))
        return stored["server_updated_at"]

    def since(self, table, seq, limit):
        with self.lock:
            rows = self.db.execute(f"SELECT seq, row FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit + 1)).fetchall()
        page = rows[:limit]
        return {"items": [json.loads(row) for _, row in page], "last": page[-1][0] if page else seq, "more": len(rows) > limit}

    def status(self):
        with self.lock:
            last, conflicts = self.db.execute("SELECT MAX(seq), COALESCE(SUM(conflicts), 0) FROM history").fetchone()
        return {"last_sync": last, "conflicts": conflicts}


def wrong(row):
    """The rule that only the backend knows: a score is not over its total, a closed quarter takes no grades."""
    if row.get("is_deleted"):
        return None
    if "score" in row and row["score"] > row["total"]:
        return "the score is over the total"
    return "the first quarter is closed" if row.get("quarter") == 1 else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        if self.refused():
            return
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/api/desktop/sync/status":
            self.reply(200, self.server.store.status())
        elif url.path in TABLES:
            self.reply(200, self.server.store.since(TABLES[url.path], int(query.get("since", 0)), int(query.get("limit", 1000))))
        else:
            self.reply(404, {"message": "no such path"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.refused():
            return
        table = TABLES.get(urlsplit(self.path).path)
        if table:
            self.reply(200, self.server.store.take(table, json.loads(body)))
        else:
            self.reply(404, {"message": "no such path"})

    def refused(self):
        if self.headers.get("authorization") == f"Bearer {TOKEN}":
            return False
        self.reply(401, {"message": "sign in"})
        return True

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
    server.store = Store(sys.argv[1])
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
