"""A Flask app that says who it is, and ends when asked to crash."""
import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return {"service": os.environ.get("REEVE_SERVICE"), "pid": os.getpid(), "folder": os.getcwd()}


@app.post("/crash")
def crash():
    os._exit(3)


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5000")))
