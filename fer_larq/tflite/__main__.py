"""Which delegate library this machine uses, and which kernels: ``python -m fer_larq.tflite``."""

from fer_larq.tflite.delegate import kernels, library_path
from fer_larq.utils.errors import run_command


def main() -> None:
    print(f"library  {library_path()}")
    print(f"kernels  {', '.join(kernels())} (the first is used)")


if __name__ == "__main__":
    run_command(main)
