#!/bin/sh
# Runs test_kernels for the AVX-512 kernel on a machine that has no AVX-512: in the emulator Bochs, as an
# Ice Lake processor, without an operating system. Prints as it goes; a few minutes on an idle core.
#   run.sh [FOLDER]     for what is built; build/bochs
# Debian: apt-get install gcc bochs bochsbios vgabios grub-pc-bin grub-common xorriso mtools
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
folder=${1:-build/bochs}
mkdir -p "$folder/iso/boot/grub"
cd "$folder"

common="-std=gnu11 -ffreestanding -fno-builtin -fno-stack-protector -mno-red-zone -fno-pic
    -ffp-contract=off -I$source/src/core -I$source/include"
gcc -c "$here/start.S" -o start.o
gcc $common -O1 -mgeneral-regs-only -c "$here/libc.c" -o libc.o
gcc $common -O2 '-DLCE_TEST_ONLY="avx512"' -c "$source/tests/test_kernels.c" -o test_kernels.o
for file in "$source"/src/core/kernels/*.c; do
  gcc $common -O3 -c "$file" -o "$(basename "$file" .c).o"
done
ld -n --no-warn-rwx-segments -T "$here/kernel.ld" -o iso/boot/test_kernels ./*.o

printf 'set timeout=0\nmenuentry test { multiboot /boot/test_kernels }\n' >iso/boot/grub/grub.cfg
grub-mkrescue -o disk.iso iso >grub.log 2>&1
cat >configuration <<END
config_interface: textconfig
display_library: rfb, options="timeout=0"
megs: 512
cpu: model=corei7_icelake_u, count=1, ips=100000000, reset_on_triple_fault=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=disk.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=serial.txt
clock: sync=none
log: bochs.log
panic: action=fatal
error: action=ignore
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
plugin_ctrl: speaker=0, sb16=0, es1370=0, gameport=0, parallel=0, e1000=0
END
echo c >commands  # for Bochs's debugger: go
rm -f serial.txt disk.iso.lock
: >serial.txt
bochs -q -f configuration -rc commands >bochs.out 2>&1 </dev/null &
tail --pid=$! -s 1 -n +1 -f serial.txt || true  # Bochs ends by a shutdown of its machine
grep -q '^bconv.*avx512' serial.txt && grep -q '^exit code 0' serial.txt
