"""
What happens to the workers: killed and replaced, frozen for a while, an hour wrong.
"""

from __future__ import annotations

import time
from collections import Counter
from random import Random

from soak.crew import Crew, Worker


class Chaos:
    """
    Random deeds on a crew; who is killed is replaced at once. ``done`` counts the deeds.

    Every other worker makes many calls, the rest so few that they see too little of an outage
    to open a circuit in time: they have to hear of it.
    """

    RATES = (10.0, 1.5)
    """Calls a second of the workers in even and in odd places."""

    PAUSE = 1.0
    """Seconds between two deeds, on average."""
    FROZEN_AT_ONCE = 3

    def __init__(self, crew: Crew, rng: Random) -> None:
        self.done: Counter[str] = Counter()
        self._crew = crew
        self._rng = rng
        self._next = time.monotonic() + self.PAUSE
        self._thaws: dict[Worker, float] = {}
        self._born: list[Worker] = []
        self._forth: set[Worker] = set()

    def begin(self, count: int) -> None:
        """
        Start *count* workers and their load.
        """
        for worker in self._crew.ready([f"w{number}.0" for number in range(count)]):
            self._load(worker)

    def turn(self) -> None:
        """
        Do what is due now; to be called all the time.
        """
        now = time.monotonic()
        for worker, due in list(self._thaws.items()):
            if due <= now:
                worker.go_on()
                del self._thaws[worker]
        self._employ()
        if now >= self._next:
            self._next = now + self._rng.expovariate(1 / self.PAUSE)
            self._strike(now)

    def calm(self) -> list[Worker]:
        """
        Let everyone go on, and return the living workers once all of them have work.
        """
        for worker in self._thaws:
            worker.go_on()
        self._thaws.clear()
        while self._born:
            self._employ()
            time.sleep(0.01)
        return self._crew.living

    def _load(self, worker: Worker) -> None:
        place = int(worker.name[1:].split(".")[0])
        worker.tell("load", rate=self.RATES[place % 2])

    def _employ(self) -> None:
        for worker in list(self._born):
            if worker.is_ready():
                self._load(worker)
                self._born.remove(worker)

    def _strike(self, now: float) -> None:
        living = [one for one in self._crew.living if one not in self._born]
        deed = self._rng.choices(("kill", "freeze", "jump"), (3, 3, 2))[0]
        if deed == "kill":
            self._replace(self._rng.choice(living))
        elif deed == "freeze":
            awake = [one for one in living if one not in self._thaws]
            if len(self._thaws) >= self.FROZEN_AT_ONCE or not awake:
                return
            worker = self._rng.choice(awake)
            worker.stop()
            self._thaws[worker] = now + self._rng.uniform(1.0, 4.0)
        else:
            worker = self._rng.choice(living)
            worker.jump(forth=worker not in self._forth)
            self._forth ^= {worker}
        self.done[deed] += 1

    def _replace(self, worker: Worker) -> None:
        self._thaws.pop(worker, None)
        worker.kill()
        place, life = worker.name.split(".")
        self._born.append(self._crew.spawn(f"{place}.{int(life) + 1}"))
