"""Which delegate library this machine uses, and which kernels: ``python -m fer_larq.runtime``."""

from fer_larq.errors import run_command
from fer_larq.runtime.delegate import kernels, library_path


def main() -> None:
    print(f"library  {library_path()}")
    print(f"kernels  {', '.join(kernels())} (the first is used)")


if __name__ == "__main__":
    run_command(main)
