"""The part of vitest-plugin-perf that runs in a Locust master (2.12 or later). MIT license.

Vitest starts it: `locust -f locustfile.py --master ...`. The workers are `npx vitest-plugin-perf worker`. This master hands messages
from one to the other without looking into them, and says who has joined and who is gone.

stdin, a line of JSON each:   {"to": worker, "body": base64}, {"show": users}, {"hide": true}
stdout, a line of JSON each:  {"type": "old" | "ready" | "message" | "gone" | "beat" | "stop", ...}

Nothing runs on: when stdin ends, the master sends every worker `quit` and exits. It sends each worker a beat twice a second; a worker
that gets none for 2 s ends its loads, and a worker that answers none for 2 s is gone.
"""

import base64
import json
import os
import time
import traceback

import gevent
import zmq
from gevent.fileobject import FileObjectPosix
from gevent.queue import Queue
from locust import User, events, runners
from locust.rpc import Message

BEAT = 0.5
LOOKS = 5
SILENCE = 2.0

# What Locust prints goes to stderr: stdout is for our lines.
OUTPUT = os.dup(1)
os.dup2(2, 1)

OLDEST = (2, 12)


def is_too_old(version):
    parts = version.split(".")[:2]
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        return tuple(map(int, parts)) < OLDEST
    # Debian's package has an empty version.
    return not hasattr(runners.MasterRunner, "register_message")


if is_too_old(runners.__version__ or ""):
    os.write(OUTPUT, json.dumps({"type": "old", "version": runners.__version__}).encode() + b"\n")
    os._exit(1)

# With an empty version a master refuses workers.
runners.__version__ = runners.__version__ or "unknown"


class VitestPluginPerf(User):
    """Locust wants a user class. The workers generate the load without it."""


class Relay:
    def __init__(self, environment):
        self.environment = environment
        self.runner = environment.runner
        self.seen = {}
        self.lines = Queue()
        self.page = Queue()
        self.is_ours = False
        self.runner.register_message("perf_stats", self.on_stats)
        self.runner.register_message("perf", self.on_message)
        self.runner.register_message("perf_beat", self.on_beat)
        # A message to a worker whose connection is closed fails at once, where Locust would drop it.
        self.runner.server.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)

    def tell(self, line):
        self.lines.put(line)

    # The reader may be busy: writing must hold up neither messages nor beats.
    def write(self):
        output = FileObjectPosix(OUTPUT, "wb")
        for line in self.lines:
            output.write(json.dumps(line).encode() + b"\n")
            if self.lines.empty():
                output.flush()

    def read(self):
        for line in FileObjectPosix(0, "rb"):
            order = json.loads(line)
            if "body" in order:
                self.send(order["to"], "perf", base64.b64decode(order["body"]))
            else:
                self.page.put(order)

    # Locust's own page shows a test that runs. To start and to stop one takes Locust seconds.
    def show(self):
        for order in self.page:
            if "show" in order:
                self.runner.start(order["show"], order["show"])
            else:
                self.is_ours = True
                self.runner.stop()
                self.is_ours = False

    # Somebody has pressed the page's stop button, or we end what it shows.
    def on_stopping(self, **_):
        if not self.is_ours:
            self.tell({"type": "stop"})

    # The keys of a map in JavaScript are text.
    def on_stats(self, environment, msg, **_):
        for entry in msg.data["stats"] + [msg.data["stats_total"]]:
            for field in ("response_times", "num_reqs_per_sec", "num_fail_per_sec"):
                entry[field] = {int(key): count for key, count in entry[field].items()}
        environment.events.worker_report.fire(client_id=msg.node_id, data=msg.data)

    # Whatever ends one of them ends this process: without Vitest it has nothing to do.
    def run(self, work):
        try:
            work()
        except Exception:
            traceback.print_exc()
        self.leave()

    def leave(self):
        socket = self.runner.server.socket
        # Workers that look for the next master must not find this one.
        socket.unbind(socket.getsockopt(zmq.LAST_ENDPOINT))
        for worker in list(self.runner.clients.keys()):
            self.send(worker, "quit")
        # For messages on their way. A worker that gets none misses the beats.
        gevent.sleep(0.1)
        os._exit(0)

    def send(self, worker, kind, data=None):
        try:
            message = Message(kind, data, worker).serialize()
            self.runner.server.socket.send_multipart([worker.encode(), message], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            self.lose(worker, "closed its connection" if error.errno == zmq.EHOSTUNREACH else str(error))

    def on_message(self, environment, msg, **_):
        self.seen[msg.node_id] = time.monotonic()
        self.tell({"type": "message", "from": msg.node_id, "body": base64.b64encode(msg.data).decode()})

    def on_beat(self, environment, msg, **_):
        if msg.node_id in self.seen:
            self.seen[msg.node_id] = time.monotonic()

    def lose(self, worker, why):
        # Locust would send to it in vain, again and again.
        if worker in self.runner.clients:
            del self.runner.clients[worker]
        if self.seen.pop(worker, None) is not None:
            self.tell({"type": "gone", "worker": worker, "why": why})

    def beat(self):
        while True:
            self.tell({"type": "beat"})
            self.beat_workers()
            for _ in range(LOOKS):
                gevent.sleep(BEAT / LOOKS)
                self.look()

    def beat_workers(self):
        for worker in list(self.seen):
            self.send(worker, "perf_beat")

    def look(self):
        now = time.monotonic()
        for worker, seen in list(self.seen.items()):
            if now - seen > SILENCE:
                self.lose(worker, "sent nothing for %g s" % SILENCE)

    # A connection was closed; whose does not show, so each worker gets a beat.
    def watch(self):
        monitor = self.runner.server.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        while True:
            monitor.recv_multipart()
            gevent.sleep(0.01)
            self.beat_workers()


@events.init.add_listener
def on_init(environment, web_ui=None, **_):
    relay = Relay(environment)
    events.test_stopping.add_listener(relay.on_stopping)
    relay.tell({"type": "ready", "version": runners.__version__})
    work = (relay.read, relay.write, relay.beat, relay.watch, relay.show)
    greenlets = [gevent.spawn(relay.run, part) for part in work]
    # Without its page Locust would begin a test of its own now.
    if web_ui is None:
        gevent.joinall(greenlets)
