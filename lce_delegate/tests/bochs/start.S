// From the boot loader (Multiboot, 32 bits) to C in 64 bits, with the registers of AVX-512 enabled.
.section .multiboot, "a"
.align 4
.long 0x1BADB002, 0, -(0x1BADB002)  // magic number, no wishes, checksum

.section .bss
.align 4096
level_4: .skip 4096
level_3: .skip 4096
level_2: .skip 4096
.skip 1 << 20
stack_top:

.section .data
.align 16
segments:  // none, 64-bit code, data
.quad 0, 0x00af9a000000ffff, 0x00af92000000ffff
segments_register:
.word 23
.long segments

.section .text
.code32
.globl start
start:
  cli
  mov $stack_top, %esp

  // The first GiB, mapped onto itself in pages of 2 MiB.
  movl $level_3 + 3, level_4
  movl $level_2 + 3, level_3
  mov $level_2, %edi
  mov $0x83, %eax
  mov $512, %ecx
1:
  mov %eax, (%edi)
  add $0x200000, %eax
  add $8, %edi
  loop 1b
  mov $level_4, %eax
  mov %eax, %cr3

  mov %cr4, %eax
  or $0x40620, %eax  // OSXSAVE, OSXMMEXCPT, OSFXSR, PAE
  mov %eax, %cr4
  mov $0xC0000080, %ecx  // EFER
  rdmsr
  or $0x100, %eax  // long mode
  wrmsr
  mov %cr0, %eax
  and $0xfffffffb, %eax  // no emulation of the FPU
  or $0x80000003, %eax   // paging, FPU, protected mode
  mov %eax, %cr0
  lgdt segments_register
  ljmp $8, $in_64_bits

.code64
in_64_bits:
  mov $16, %ax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss
  xor %ecx, %ecx
  xor %edx, %edx
  mov $0xe7, %eax  // XCR0: x87, XMM, YMM, masks, ZMM
  xsetbv
  mov $stack_top, %rsp
  call run_tests
2:
  hlt
  jmp 2b

.section .note.GNU-stack, "", @progbits
