"""The connectors that run: begun with what waits for them, ended, replaced; each with its own account.

A connector begins with every frame that the spool holds for it, those on disk before those in memory, so that
the frames of one device keep their order.  What it was accountable for and the spool no longer holds is
settled as ``spool_lost`` at that moment; what the spool holds beyond it was left by an earlier run.
"""

import asyncio
from collections.abc import Iterable

from agent.connectors.delivery import SPOOL_LOST
from agent.connectors.kinds import OpenConnector
from agent.connectors.ports import Connector, Host
from agent.evidence.accounts import Accounts
from agent.journal_port import JournalPort
from agent.observation import Balance
from agent.record import Record
from agent.spool.ports import Waiting
from agent.spool.spool import Spool
from agent.wire.configuration import Configuration, ConnectorConfig
from agent.wire.messages import Change

RESTART_S = 5.0
"""A connector that failed by our own mistake is started again after this."""


class Roster:
    """Begins and ends connectors, one change at a time."""

    def __init__(
        self,
        host: Host,
        configuration: Configuration,
        *,
        spool: Spool,
        accounts: Accounts,
        journal: JournalPort,
        open_connector: OpenConnector,
    ) -> None:
        self._host, self._configuration = host, configuration
        self._spool, self._accounts, self._journal = spool, accounts, journal
        self._open_connector = open_connector
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changing = asyncio.Lock()
        self._opened = False
        self._slow = False
        self._unbalanced: dict[str, bool] = {}
        self.connectors: dict[str, Connector] = {}

    async def open(self) -> None:
        """Open the spool and start every connector with what waits for it."""
        async with self._changing:
            await self._spool.open([config.name for config in self._configuration.connectors])
            self._opened = True
            await self._begin(self._configuration.connectors)

    async def close(self) -> None:
        """End every connector."""
        async with self._changing:
            for name in list(self._tasks):
                await self._end(name)

    async def reload(self) -> None:
        """Load the spool's file, and let every connector begin anew with what it holds."""
        async with self._changing:
            wanted = self._configuration.connectors
            for name in list(self._tasks):
                await self._end(name)
            await self._spool.load([config.name for config in wanted])
            await self._begin(wanted)

    async def reconfigure(self, configuration: Configuration) -> None:
        """Replace the connectors that changed, and only those; before ``open`` they are only noted."""
        async with self._changing:
            before, self._configuration = self._configuration, configuration
            if self._opened:
                await self._replace(before)

    async def _replace(self, before: Configuration) -> None:
        configuration = self._configuration
        same = set(before.connectors) & set(configuration.connectors)
        for name in {config.name for config in before.connectors if config not in same}:
            await self._end(name)
        names = [config.name for config in configuration.connectors]
        await self._spool.keep(names)
        self.connectors = {name: old for name, old in self.connectors.items() if name in names}
        self._accounts.keep(names)
        await self._begin([config for config in configuration.connectors if config not in same])
        for connector in self.connectors.values():
            connector.tell_every(configuration.intervals.stat_s)

    async def _begin(self, wanted: Iterable[ConnectorConfig]) -> None:
        configs = list(wanted)
        if not configs:
            return
        new = await self._restored(configs)
        while new is None:
            new = await self._restored(configs)
        self.connectors |= new
        for name, connector in new.items():
            self._account(name)
            connector.slow_backlog(self._slow)
            self._tasks[name] = asyncio.create_task(self._supervise(connector), name=f"connector {name}")

    async def _restored(self, configs: list[ConnectorConfig]) -> dict[str, Connector] | None:
        """Return connectors with what waits for them; None when the file could not be read to its end."""
        new = {
            config.name: self._open_connector(config, self._host, self._configuration) for config in configs
        }

        def stored(entries: list[Waiting]) -> None:
            for name, connector in new.items():
                mask = 1 << self._spool.holdings.bits[name]
                connector.restore((entry[0], entry[1], entry[2]) for entry in entries if entry[3] & mask)

        def unwritten(records: list[tuple[Record, int]]) -> None:
            for name, connector in new.items():
                mask = 1 << self._spool.holdings.bits[name]
                for record, waiting in records:
                    if waiting & mask:
                        connector.resume(record)

        if await self._spool.restore(stored, unwritten):
            return new
        for connector in new.values():
            connector.close()
        return None

    def _account(self, name: str) -> None:
        """Settle the difference between what a connector is accountable for and what it begins with."""
        surplus = self._spool.holdings.waiting(name) - self._accounts.of(name).reserve
        if surplus < 0:
            self._accounts.settled(name, -surplus, SPOOL_LOST)
        self._accounts.of(name).restored += max(0, surplus)

    async def _supervise(self, connector: Connector) -> None:
        while True:
            try:
                await connector.run()
            except Exception as error:  # noqa: BLE001  # the one place: a bug in one connector stops no other
                self._accounts.counts[f"{connector.name}.failed"] += 1
                fields: dict[str, str | int | float] = {
                    "connector": connector.name,
                    "error": repr(error)[:200],
                }
                self._journal.note("connector_failed", fields)
            await asyncio.sleep(RESTART_S)

    async def _end(self, name: str) -> None:
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.connectors[name].close()

    def slow_backlog(self, slow: bool) -> None:
        """Let stored frames leave at one a second and connector, or as configured again."""
        self._slow = slow
        for connector in self.connectors.values():
            connector.slow_backlog(slow)

    @property
    def changing(self) -> bool:
        """Whether connectors begin or end: what the spool holds is on its way to their queues."""
        return self._changing.locked()

    def balance(self, name: str) -> Balance:
        """Return where a connector's frames are, at this instant."""
        account, holdings = self._accounts.of(name), self._spool.holdings
        return Balance(
            restored=account.restored,
            received=account.received,
            delivered=account.delivered,
            dropped=dict(account.dropped),
            reserve=holdings.waiting(name) + holdings.difference(name),
            queued=self.connectors[name].state().queued,
            readable=self._spool.readable,
        )

    def check(self) -> None:
        """Record which balances are off, and which no longer are; while connectors change none is judged."""
        if self.changing:
            return
        for name in self.connectors:
            balance = self.balance(name)
            if bool(balance.off) == self._unbalanced.get(name, False):
                continue
            self._unbalanced[name] = bool(balance.off)
            self._accounts.counts["unbalanced"] += bool(balance.off)
            value = "UNBALANCED" if balance.off else "BALANCED"
            self._journal.record(Change.RECOVERY, "spool", value, balance.why(name))
