"""worker as the original has it: on requests and redis-py, with a new connection for each request."""

import logging
import os
import time

import redis
import requests

RNG = os.environ.get("RNG", "rng")
HASHER = os.environ.get("HASHER", "hasher")
REDIS = os.environ.get("REDIS", "redis")
OCTETS = {"Content-Type": "application/octet-stream"}
# A failed worker waits so many seconds, and what it had not counted is lost.
PAUSE = 10

log = logging.getLogger("worker")
store = redis.Redis.from_url(f"redis://{REDIS}")


def make_a_hash():
    time.sleep(0.1)
    data = requests.get(f"http://{RNG}/32").content
    digest = requests.post(f"http://{HASHER}/", data=data, headers=OCTETS).text
    if digest.startswith("0"):
        log.info("Coin found: %s", digest)
        store.hset("wallet", digest, data)


def work():
    done, counted = 0, time.monotonic()
    while True:
        make_a_hash()
        done += 1
        if time.monotonic() - counted >= 1:
            store.incrby("hashes", done)
            log.info("%d units of work done, hashes counter incremented", done)
            done, counted = 0, time.monotonic()


logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
logging.getLogger("urllib3").setLevel(logging.WARNING)
while True:
    try:
        work()
    except (requests.RequestException, redis.RedisError):
        log.exception("waiting %d s", PAUSE)
        time.sleep(PAUSE)
