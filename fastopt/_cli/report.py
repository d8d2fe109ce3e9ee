"""The output of the commands: a progress bar in a terminal, plain lines elsewhere, a short table at the end.

Only `Report` prints; the modules that do the work call its methods and must not know rich.
"""
from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.status import Status
from rich.table import Table

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

ShowEpoch: TypeAlias = "Callable[[OptimizeResult], None]"

BLOCKS = "▁▂▃▄▅▆▇█"


def si(value: float) -> str:
    """A number in three or four figures: ``'2.1 M'``, ``'846'``."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.{1 if value < 100 * size else 0}f}{unit}"
    return f"{value:.0f}"


def seconds(value: float) -> str:
    """A time in three figures: ``'41 ms'``, ``'3.20 s'``."""
    return f"{value:.3g} s" if value >= 1 else f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.0f} µs"


def number(value: float | None) -> str:
    """A loss or a score: four places, more figures where it is small, none behind the point where it is large."""
    if value is None or value != value:
        return "–"
    if 1e4 <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.3g}"


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """A curve in one line of block characters, the last value of each stretch where there are more than `width`."""
    if len(values) > width:
        values = [values[(i + 1) * len(values) // width - 1] for i in range(width)]
    low, high = min(values), max(values)
    return "".join(BLOCKS[int(7.999 * (v - low) / (high - low))] if high > low else BLOCKS[0] for v in values)


def make_console(**options: Any) -> Console:
    """A console on stdout that writes '?' for what the terminal's encoding lacks, rather than failing."""
    stream = sys.stdout
    if hasattr(stream, "reconfigure") and "utf" not in (stream.encoding or "").lower():
        stream.reconfigure(errors="replace")
    console = Console(highlight=False, **options)
    if not console.is_terminal and console.width < 120:
        console.width = 120        # nobody wraps a log file
    return console


class Report:
    """The output of one run.

    Parameters
    ----------
    quiet : bool
        Say nothing but warnings.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = make_console()
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line; `text` may hold file names, so that no markup is looked for in it."""
        if not self.quiet:
            self.console.print(escape(text), style=style, soft_wrap=not self.console.is_terminal)

    def warn(self, text: str) -> None:
        """A line on stderr, also when quiet."""
        self.errors.print(f"[yellow]note:[/] {escape(' '.join(text.split()))}")

    def progress(self, epochs: int, rows: int, score_name: str) -> Silent | PlainLines | LiveBar:
        """A context manager; call what it gives with the result of each epoch."""
        if self.quiet:
            return Silent()
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            return LiveBar(self.console, epochs, rows, score_name)
        return PlainLines(self.console, epochs, rows, score_name)

    def working(self, text: str) -> contextlib.AbstractContextManager[object]:
        """A context manager that shows what is running; in a terminal the line disappears at the end."""
        if self.quiet:
            return contextlib.nullcontext()
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            return self.console.status(escape(text), spinner="line")
        self.say("  " + text)
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def steps(self, text: str) -> Iterator[Callable[[str], None]]:
        """A context manager; call what it gives with the name of each step, which a terminal shows behind `text`."""
        with self.working(text) as line:
            yield lambda step: line.update(escape(f"{text}: {step}")) if isinstance(line, Status) else None

    def curves(self, losses: Sequence[float], scores: Sequence[float], score_name: str) -> None:
        """The curves as two lines of block characters, in a terminal that can show them."""
        if self.quiet or not self.console.is_terminal or "utf" not in self.console.encoding or len(losses) < 3:
            return
        for name, values in (("loss", losses), (score_name, scores)):
            if values:
                self.say(f"  {name:<10}{number(values[0]):>8} {sparkline(values)} {number(values[-1])}", style="cyan")

    def table(self, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
        """`columns` names; each row a tuple of strings."""
        if self.quiet:
            return
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for i, name in enumerate(columns):
            table.add_column(name, justify="right" if i else "left", style="" if i else "dim")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)


class Silent:
    """No progress."""

    def __enter__(self) -> ShowEpoch:
        return lambda result: None

    def __exit__(self, *error: object) -> None:
        pass


class PlainLines:
    """One line an epoch where there is no terminal: all of the first ten, then every tenth, then every hundredth."""

    def __init__(self, console: Console, epochs: int, rows: int, score_name: str) -> None:
        self.console, self.epochs, self.rows, self.score_name = console, epochs, rows, score_name
        self.last: OptimizeResult | None = None

    def __enter__(self) -> ShowEpoch:
        return self.epoch

    def __exit__(self, *error: object) -> None:
        if self.last is not None and not self._due(self.last.nit):
            self._print(self.last)

    def epoch(self, result: OptimizeResult) -> None:
        self.last = result
        if self._due(result.nit):
            self._print(result)

    @staticmethod
    def _due(epoch: int) -> bool:
        return epoch <= 10 or epoch % (10 if epoch <= 100 else 100) == 0

    def _print(self, result: OptimizeResult) -> None:
        self.console.print(f"  epoch {result.nit:>{len(str(self.epochs))}}/{self.epochs}  {_figures(result, self)}",
                           soft_wrap=True)


class LiveBar:
    """A bar with the figures of the latest epoch."""

    def __init__(self, console: Console, epochs: int, rows: int, score_name: str) -> None:
        self.rows, self.score_name, self.shown = rows, score_name, 0.0
        self.last: OptimizeResult | None = None
        self.bar = Progress(TextColumn("  epoch {task.completed:>3.0f}/{task.total:.0f}"), BarColumn(bar_width=None),
                            TextColumn("{task.fields[figures]}"), console=console, refresh_per_second=20, expand=True)
        self.task = self.bar.add_task("", total=epochs, figures="")

    def __enter__(self) -> ShowEpoch:
        self.bar.start()
        return self.epoch

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if self.last is not None:
            self._show(self.last)
            if kind is None:                                 # it ended, be it before the last epoch allowed: a full bar
                self.bar.update(self.task, total=self.last.nit)
        self.bar.stop()

    def epoch(self, result: OptimizeResult) -> None:
        self.last = result
        if time.perf_counter() - self.shown > 0.03:      # formatting takes longer than a short epoch
            self._show(result)

    def _show(self, result: OptimizeResult) -> None:
        self.shown = time.perf_counter()
        self.bar.update(self.task, completed=result.nit, figures=_figures(result, self))


def _figures(result: OptimizeResult, view: PlainLines | LiveBar) -> str:
    """``loss 0.0413  accuracy 0.9667  2.1 M samples/s``."""
    parts = [f"loss {number(result.fun):>7}"]
    if result.validation_score is not None:
        parts.append(f"{view.score_name} {number(result.validation_score)}")
    if result.seconds > 0:
        parts.append(f"{si(view.rows / result.seconds)} samples/s")
    return "  ".join(parts)
