# SPDX-License-Identifier: Apache-2.0
"""A picture as a script of gnuplot: panels, words and legends at places in pixels, from the upper left corner.

The data are part of the script. So the text of the script tells all that a picture is made of, and the same text
gives the same picture. gnuplot runs where pictures are made, and nowhere else.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Sequence

from .rig import Trouble

BLACK, GREY, PALE = "#1a1a1a", "#595959", "#d9d9d9"
CHARACTER = 0.54        # width of one, about, of its height
RUN_S = 60
ENHANCED = "{}_^@&~\\"

SVG = 'set terminal svg size {width},{height} font "sans-serif,12" background "#ffffff"\n'
PNG = ('set terminal pngcairo size {two_width},{two_height} font "sans,12" fontscale 1.5 linewidth 2 pointscale 2 '
       'background "#ffffff"\n')


@dataclass(frozen=True)
class Style:
    colour: str
    point: int = 7          # gnuplot's pointtype; 0: none
    dash: str = ""          # "6,3": pixels on, off
    width: float = 1.8
    size: float = 0.55

    def line(self) -> str:
        dash = f" dt ({self.dash})" if self.dash else ""
        return f'lc rgb "{self.colour}" lw {self.width:g}{dash}'

    def points(self) -> str:
        return f"pt {self.point} ps {self.size:g}"


@dataclass(frozen=True)
class Curve:
    """`rows` are x, y and, if `spread`, the lowest and the highest y; of `kind` "dots" the lowest and highest x."""

    style: Style
    rows: Sequence[Sequence[float]]
    kind: str = "curve"     # "curve"; "dots": points only; "bars": lying, from x = 0, at y
    spread: bool = False
    label: str = ""         # beside the end of the curve; of bars, beside each one
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Axis:
    name: str
    low: float
    high: float
    step: float = 0
    ticks: Sequence[tuple[str, float]] = ()     # instead of steps
    log: bool = False
    bare: bool = False      # ticks without their words
    away: float = 50        # of the upright axis: how far its name is from it


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Panel:
    box: Box
    x: Axis
    y: Axis
    curves: Sequence[Curve]
    title: str = ""
    frame: bool = False
    upright: bool = False       # the lines of the grid


@dataclass
class Picture:
    width: int
    height: int
    panels: list[Panel] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, size: float = 12, bold: bool = False, colour: str = BLACK,
             align: str = "left", turned: bool = False) -> None:
        self._words.append(f"set label {quoted(words, bold)} at screen {self._at(x, y)} {align}"
                           f'{" rotate by 90" if turned else ""} font ",{size:g}" tc rgb "{colour}"'
                           f'{" enhanced" if bold else " noenhanced"} front')

    def paragraph(self, x: float, y: float, words: str, width: float, size: float = 12, colour: str = BLACK) -> float:
        """Where the next line would be."""
        for line in wrapped(words, width, size):
            self.text(x, y, line, size, colour=colour)
            y += size * 1.3
        return y

    def sample(self, x: float, y: float, style: Style, length: float = 26, line: bool = True) -> None:
        """What the legend shows of a curve."""
        if line:
            self._words.append(f"set arrow from screen {self._at(x, y)} to screen {self._at(x + length, y)} nohead "
                               f"{style.line()} front")
        if style.point:
            self._words.append(f'set label "" at screen {self._at(x + length / 2, y)} point {style.points()} '
                               f'lc rgb "{style.colour}" lw {style.width:g} front')

    def patch(self, box: Box, colour: str) -> None:
        self._words.append(f"set object rectangle from screen {self._at(box.left, box.top)} to screen "
                           f'{self._at(box.right, box.bottom)} fc rgb "{colour}" fs solid noborder front')

    def script(self) -> str:
        """Without the terminal."""
        blocks, lines = [], ["set encoding utf8", "set multiplot", *self._words, "unset border", "unset tics",
                             "unset key", *_margins(0, 1, 0, 1), "set xrange [0:1]", "set yrange [0:1]",
                             "plot NaN notitle"]
        for number, panel in enumerate(self.panels):
            names = [f"$data_{number}_{curve}" for curve in range(len(panel.curves))]
            for name, curve in zip(names, panel.curves):
                blocks += [f"{name} << END", *(" ".join(_number(cell) for cell in row) for row in curve.rows), "END"]
            lines += self._panel(panel, names)
        return "\n".join([*blocks, *lines, "unset multiplot"]) + "\n"

    def _panel(self, panel: Panel, names: Sequence[str]) -> list[str]:
        box = panel.box
        lines = ["reset", "unset key", f'set border {15 if panel.frame else 3} lc rgb "{GREY}"',
                 f'set grid {"x" if panel.upright else "y"} lt 1 lc rgb "{PALE}" lw 0.6',
                 f"set tics nomirror out scale 0.5 font ',11' textcolor rgb '{BLACK}' noenhanced",
                 *_margins(box.left / self.width, box.right / self.width,
                           1 - box.bottom / self.height, 1 - box.top / self.height),
                 *_axis("x", panel.x), *_axis("y", panel.y)]
        if panel.title:
            lines.append(f"set label {quoted(panel.title, True)} at screen {self._at(box.left, box.top - 13)} left "
                         f'font ",12" tc rgb "{BLACK}" enhanced')
        if panel.y.name:        # its place would depend on the widths of numbers
            middle = self._at(box.left - panel.y.away, (box.top + box.bottom) / 2)
            lines.append(f"set label {quoted(panel.y.name)} at screen {middle} center rotate by 90 font ',11.5' "
                         f'tc rgb "{BLACK}" noenhanced')
        lines += self._ends(panel)
        plots = [plot for name, curve in zip(names, panel.curves) if curve.rows for plot in _plots(name, curve)]
        return [*lines, f"plot {', '.join(plots) if plots else 'NaN notitle'}"]

    def _ends(self, panel: Panel) -> list[str]:
        """Names of curves beside their ends, moved apart where they would lie on each other, with a line to each."""
        lines, box = [], panel.box
        curves = [curve for curve in panel.curves if curve.kind == "curve" and curve.label and curve.rows]
        wanted = [self._place(panel, curve.rows[-1][:2]) for curve in curves]
        for curve, (x, y), moved in zip(curves, wanted, apart([y for _, y in wanted], 14.5, box.top, box.bottom)):
            colour = f'rgb "{curve.style.colour}"'
            lines += [f"set arrow from screen {self._at(x + 3, y)} to screen {self._at(box.right + 14, moved)} nohead "
                      f"lc {colour} lw 0.7 front",
                      f"set label {quoted(curve.label, True)} at screen {self._at(box.right + 17, moved)} left "
                      f"font ',11.5' tc {colour} enhanced front"]
        for curve in panel.curves:
            for words, row in zip(curve.labels, curve.rows):
                x, y = self._place(panel, row[:2])
                lines.append(f"set label {quoted(words)} at screen {self._at(x + 5, y)} left font ',11' "
                             "noenhanced front")
        return lines

    def _place(self, panel: Panel, values: Sequence[float]) -> tuple[float, float]:
        x, y = (_share(axis, value) for axis, value in zip((panel.x, panel.y), values))
        box = panel.box
        return box.left + x * (box.right - box.left), box.bottom - y * (box.bottom - box.top)

    def _at(self, x: float, y: float) -> str:
        return f"{x / self.width:.5f},{1 - y / self.height:.5f}"


def _share(axis: Axis, value: float) -> float:
    """0 at the beginning of the axis, 1 at its end."""
    if axis.log:
        return math.log(value / axis.low) / math.log(axis.high / axis.low)
    return (value - axis.low) / (axis.high - axis.low)


def _margins(left: float, right: float, bottom: float, top: float) -> list[str]:
    return [f"set {side}margin at screen {place:.5f}"
            for side, place in (("l", left), ("r", right), ("b", bottom), ("t", top))]


def _axis(which: str, axis: Axis) -> list[str]:
    lines = [f"set {which}range [{_number(axis.low)}:{_number(axis.high)}]"]
    if axis.log:
        lines.append(f"set logscale {which}")
    if axis.ticks:
        lines.append(f"set {which}tics ({', '.join(f'{quoted(words)} {_number(at)}' for words, at in axis.ticks)})")
    elif axis.step:
        lines.append(f"set {which}tics {_number(axis.low)},{_number(axis.step)}")
    if axis.bare:
        lines.append(f'set {which}tics format ""')
    if axis.name and which == "x":
        lines.append(f'set xlabel {quoted(axis.name)} font ",11.5" tc rgb "{BLACK}" noenhanced offset 0,0.4')
    return lines


def _plots(name: str, curve: Curve) -> list[str]:
    style = curve.style
    if curve.kind == "bars":
        return [f"{name} using (0):2:(0):1:($2-0.34):($2+0.34) with boxxyerror fs solid noborder "
                f'lc rgb "{style.colour}" notitle']
    if curve.kind == "dots":
        return [f"{name} using 1:2:3:4 with xerrorbars {style.points()} {style.line()} notitle"]
    with_points = f"with linespoints {style.points()}" if style.point else "with lines"
    # Vectors, as gnuplot wipes what is below the middle of an error bar.
    spread = [f'{name} using 1:($4 > $3 ? $3 : NaN):(0):($4-$3) with vectors heads size screen 0.004,90 nofilled '
              f'lc rgb "{style.colour}" lw 1 notitle'] if curve.spread else []
    return [*spread, f"{name} using 1:2 {with_points} {style.line()} notitle"]


def axis_of(name: str, values: Sequence[float], steps: int = 4, zero: bool = True) -> Axis:
    """Of round numbers, around all values; with 0 unless told."""
    values = [*values, 0.0] if zero else values
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low <= 0:
        high = low + 1
    rough = (high - low) / steps
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * 0.999)
    return Axis(name, math.floor(low / step + 0.02) * step, math.ceil(high / step - 0.02) * step, step)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near to the wanted ones as can be, in their order, and `gap` from each other."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    # Groups of neighbours that touch: the sum of where they want their first to be, and their number.
    groups: list[tuple[float, int]] = []
    for index in order:
        group = (wanted[index], 1)
        while groups and groups[-1][0] / groups[-1][1] + gap * groups[-1][1] > group[0] / group[1]:
            before = groups.pop()
            group = (before[0] + group[0] - gap * before[1] * group[1], before[1] + group[1])
        groups.append(group)
    places = [total / count + gap * number for total, count in groups for number in range(count)]
    # What hangs over an end is pushed back.
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], high - gap * (len(places) - 1 - number))
    for number in range(len(places)):
        places[number] = max(places[number], low + gap * number)
    found = [0.0] * len(wanted)
    for place, index in zip(places, order):
        found[index] = place
    return found


def wrapped(words: str, width: float, size: float) -> list[str]:
    """Lines that are about so many pixels wide; a hard space holds words together."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and len(longer) * size * CHARACTER > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def quoted(words: str, bold: bool = False) -> str:
    """A string of gnuplot: in single quotes, as it would run what stands in backquotes between double ones.

    Bold is a thing of its enhanced text, where more characters mean something.
    """
    plain = " ".join(words.splitlines())
    if bold:
        plain = f"{{/:Bold {''.join(chr(92) + char if char in ENHANCED else char for char in plain)}}}"
    return "'" + plain.replace("'", "''") + "'"


def _number(value: float) -> str:
    return f"{value:.7g}"


def draw(picture: Picture, script: str) -> tuple[bytes, bytes]:
    """SVG and PNG, the latter with twice as many pixels."""
    if shutil.which("gnuplot") is None:
        raise Trouble("gnuplot is not installed: the figures cannot be drawn (Debian: gnuplot-nox).")
    return _run(svg_head(picture) + script), _run(png_head(picture) + script)


def svg_head(picture: Picture) -> str:
    return SVG.format(width=picture.width, height=picture.height)


def png_head(picture: Picture) -> str:
    return PNG.format(two_width=2 * picture.width, two_height=2 * picture.height)


def _run(script: str) -> bytes:
    try:
        done = subprocess.run(["gnuplot", "-d", "-"], input=script.encode(), capture_output=True, timeout=RUN_S)
    except subprocess.TimeoutExpired:
        raise Trouble(f"gnuplot did not end within {RUN_S} s.") from None
    # It says warnings there too, and a picture with one of those may lack what it should show.
    if done.returncode or done.stderr.strip():
        raise Trouble(f"gnuplot failed: {done.stderr.decode(errors='replace').strip()[:500]}")
    return done.stdout
