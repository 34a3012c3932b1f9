"""Analyses the NEON kernels for ARM cores with LLVM's machine code analyser. Nothing is run.

``python lce_delegate/bench/arm_analysis.py`` compiles the kernels with clang, takes the inner loop
of the largest tile, and the code after it that adds its counts of eight bits to those of 32 bits,
and lets ``llvm-mca`` say how many cycles these take on a core, as LLVM's scheduling model of that
core describes it: with every load in the first cache and no branch mispredicted. GMAC/s per GHz are
one-bit multiply-accumulates per cycle.

Of SME2 no core is described. For its kernel the instructions are counted in the source, each taken
for a cycle, for each window of BDNN4.

It also analyses the loop as it would be with the dot product of ARMv8.2 (``udot`` with ones)
instead of additions of bytes, which needs no counts of eight bits.

Debian: ``apt-get install clang-19 llvm-19``.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[1] / "src"

PRODUCTS_PER_POPCOUNT = 128  # a register of 16 bytes
WORDS_PER_FLUSH = 31  # LCE_NEON_WORDS_PER_FLUSH

BDNN4_WINDOWS = (18, 36, 72, 144)  # words, of the convolutions with SAME padding
SIDE = 32  # LCE_MATRIX_SIDE

DABNN = "28 x 28 pixels, 3 x 3, 128 to 128 channels: 0.989 ms, so 116.9 GMAC/s"


class Kernel(NamedTuple):
    """A kernel of lce_delegate, and how it is compiled for Android."""

    name: str
    source: str
    target: str
    flags: tuple[str, ...]
    popcount: str  # instruction
    flush: str  # instruction that adds counts to sums
    cores: tuple[tuple[str, str], ...]  # name for -mcpu, and what it stands for


ARM64 = Kernel(
    "bconv_4x16__neon_cnt", "neon.c", "aarch64-linux-android26", (),
    "cnt", "uadalp",
    (
        ("cortex-a76", "LLVM describes it as a Cortex-A57"),
        ("neoverse-n1", "the Cortex-A76 for servers, with a description of its own"),
        ("cortex-a55", ""),
        ("kryo", "big core of the Pixel 1"),
    ),
)  # fmt: skip
ARMV7 = Kernel(
    "bconv_4x8__neon_armv7_cnt", "neon_armv7.c", "armv7a-linux-androideabi26",
    ("-mfpu=neon",), "vcnt.8", "vpadal.u16",
    (("cortex-a9", ""), ("cortex-a57", "running 32-bit code")),
)  # fmt: skip


def run(*command: str | Path, text: str | None = None) -> str:
    finished = subprocess.run(
        [str(part) for part in command], input=text, capture_output=True, text=True
    )
    if finished.returncode != 0:
        sys.exit(f"error: {command[0]} failed: {finished.stderr.strip().splitlines()[0]}")
    return finished.stdout


def compile_kernel(kernel: Kernel, clang: str) -> list[list[str]]:
    """The basic blocks of the kernel's function, each a list of instructions, its label first."""
    assembly = run(
        clang, f"--target={kernel.target}", *kernel.flags, "-std=gnu11", "-O3", "-ffp-contract=off",
        "-nostdlibinc", "-isystem", SOURCE.parent / "java" / "without_ndk" / "include",
        "-I", SOURCE, "-I", SOURCE / "core", "-I", SOURCE.parent / "include",
        "-S", "-o", "-", SOURCE / "core" / "kernels" / kernel.source,
    )  # fmt: skip
    function = re.search(r"^accumulate:(.*?)^\.Lfunc_end", assembly, re.M | re.S)
    blocks: list[list[str]] = [[""]]
    for line in function.group(1).splitlines():
        line = re.split(r"//|@", line)[0].strip()
        label = re.fullmatch(r"(\.LBB\w+):", line)
        if label:
            blocks.append([label.group(1)])
        elif line and not line.startswith("."):
            blocks[-1].append(line)
            if re.match(r"(b|b\..*|b[a-z]{2}|cbn?z|tbn?z|ret|bx)\s", line + " "):
                blocks.append([""])
    return blocks


def count(block: list[str], mnemonic: str) -> int:
    return sum(line.split()[0] == mnemonic for line in block[1:])


def inner_loop(blocks: list[list[str]], popcount: str) -> list[str]:
    """The block that jumps to its own label, with the most popcounts."""
    loops = [block for block in blocks if block[0] and block[-1].endswith(block[0])]
    return max(loops, key=lambda block: count(block, popcount))


def cycles(block: list[str], kernel: Kernel, core: str, mca: str, attributes: str = "") -> float:
    """Cycles of one of many repetitions of a block."""
    repetitions = 1000
    # Without the jump's label there is nothing that the analyser would have to resolve.
    lines = [line for line in block[1:] if not re.match(r"b|cbn?z|tbn?z", line)]
    triple = kernel.target.rstrip("0123456789")
    answer = run(
        mca, f"--mtriple={triple}", f"-mcpu={core}", f"-mattr=+neon{attributes}",
        f"--iterations={repetitions}", "--resource-pressure=0", "--instruction-info=0",
        text="\n".join(lines) + "\n",
    )  # fmt: skip
    return int(re.search(r"Total Cycles:\s+(\d+)", answer).group(1)) / repetitions


def with_dot_product(loop: list[str]) -> list[str]:
    """The loop with ``udot`` where it adds counts; registers stay as they are, v0 takes the part of
    the ones."""
    pattern = r"add\s+v(\d+)\.16b, v(\d+)\.16b, v(\d+)\.16b"
    changed = []
    for line in loop:
        match = re.fullmatch(pattern, line)
        if match:
            to, *terms = match.groups()
            counts = terms[0] if terms[1] == to else terms[1]
            line = f"udot v{to}.4s, v{counts}.16b, v0.16b"
        changed.append(line)
    return changed


def analyse(kernel: Kernel, clang: str, mca: str) -> None:
    blocks = compile_kernel(kernel, clang)
    loop = inner_loop(blocks, kernel.popcount)
    popcounts = count(loop, kernel.popcount)
    flush = max(blocks, key=lambda block: count(block, kernel.flush))
    products = popcounts * PRODUCTS_PER_POPCOUNT
    words = products / 32  # one word of each of the tile's pixels and channels
    print(f"{kernel.name}: {words:.0f} words of products a turn of the loop, "
          f"{len(loop) - 1} instructions; {count(flush, kernel.flush)} sums a flush")  # fmt: skip
    print(f"  {'core':<12} {'cycles a turn':>13} {'a flush':>8} {'GMAC/s per GHz':>15}"
          f" {'with flushes':>13} {'with udot':>10}")  # fmt: skip
    for core, note in kernel.cores:
        turn, flushing = cycles(loop, kernel, core, mca), cycles(flush, kernel, core, mca)
        flushes = turn + flushing / WORDS_PER_FLUSH
        udot = "-"
        if kernel is ARM64 and core != "kryo":  # which has no such instruction
            dotted = cycles(with_dot_product(loop), kernel, core, mca, ",+dotprod")
            udot = f"{products / dotted:.1f}"
        print(f"  {core:<12} {turn:13.1f} {flushing:8.1f} {products / turn:15.1f}"
              f" {products / flushes:13.1f} {udot:>10}  {note}")  # fmt: skip
    print()


def count_sme2() -> None:
    """Instructions of a product of matrices by SME2, where vectors have 512 bits."""
    source = (SOURCE / "core" / "kernels" / "sme2.c").read_text(encoding="utf-8")
    per_word = {name: len(re.findall(rf'"[^"]*\b{name} ', source)) for name in ("bmopa", "ld1w")}
    stores = len(re.findall(r'"[^"]*\bst1w ', source)) * 16  # rows of a tile
    print("bconv_32x32__sme2_bmopa: a word takes "
          f"{per_word['bmopa']} bmopa and {per_word['ld1w']} loads for "
          f"{SIDE * SIDE * 32} products; {stores} stores a product of matrices")  # fmt: skip
    print(f"  {'words':<12} {'cycles':>13} {'GMAC/s per GHz':>24}  without changes of mode")
    for words in BDNN4_WINDOWS:
        cycles = words * sum(per_word.values()) + stores
        print(f"  {words:<12} {cycles:13} {SIDE * SIDE * 32 * words / cycles:24.0f}")
    print()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clang", default="clang-19")
    parser.add_argument("--mca", default="llvm-mca-19")
    arguments = parser.parse_args()
    for program in (arguments.clang, arguments.mca):
        if shutil.which(program) is None:
            print(f"error: {program} is not installed: apt-get install clang-19 llvm-19, or give "
                  "its name with --clang or --mca", file=sys.stderr)  # fmt: skip
            return 2
    for kernel in (ARM64, ARMV7):
        analyse(kernel, arguments.clang, arguments.mca)
    count_sme2()
    print("Published by dabnn for the Pixel 1 (its README, 2019; measured, not analysed):")
    print(f"  {DABNN}; 54.4 a GHz if on a big core")
    print("  (2.15 GHz), 73.3 a GHz at the 1.594 GHz that its log names.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
