// Hides AVX-512, AMX and AVX-VNNI of an Intel processor from a program, so that a runtime that asks CPUID
// takes its kernels for AVX2. Linux lets the instruction fault; its answer is then given without them.
//
//   cc -O2 -shared -fPIC lce_delegate/bench/hide_avx512.c -o hide_avx512.so
//   LD_PRELOAD=$PWD/hide_avx512.so PROGRAM
//
// Where the processor cannot fault (no "cpuid_fault" in /proc/cpuinfo) the program ends with a message.
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static void let_cpuid(int run) {
  if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, run) == 0) return;
  static const char message[] = "hide_avx512: this processor does not let CPUID fault\n";
  if (write(2, message, sizeof message - 1) > 0) _exit(2);
  _exit(2);
}

static void hide(uint32_t leaf, uint32_t subleaf, uint32_t answer[4]) {
  if (leaf == 7 && subleaf == 0) {
    answer[1] &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31);
    answer[2] &= ~(1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14);
    answer[3] &= ~(1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25);
  } else if (leaf == 7 && subleaf == 1) {
    answer[0] &= ~(1u << 4 | 1u << 5 | 1u << 21);  // AVX-VNNI, AVX512-BF16, AMX-FP16
    answer[3] &= ~(1u << 4 | 1u << 5 | 1u << 8 | 1u << 10 | 1u << 19);
  }
}

static void on_fault(int number, siginfo_t* info, void* context) {
  (void)info;
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  const uint8_t* at = (const uint8_t*)registers[REG_RIP];
  if (at[0] != 0x0f || at[1] != 0xa2) {  // not CPUID: a fault of the program
    signal(number, SIG_DFL);
    return;
  }
  const uint32_t leaf = (uint32_t)registers[REG_RAX], subleaf = (uint32_t)registers[REG_RCX];
  uint32_t answer[4];
  let_cpuid(1);
  __cpuid_count(leaf, subleaf, answer[0], answer[1], answer[2], answer[3]);
  let_cpuid(0);
  hide(leaf, subleaf, answer);
  registers[REG_RAX] = answer[0];
  registers[REG_RBX] = answer[1];
  registers[REG_RCX] = answer[2];
  registers[REG_RDX] = answer[3];
  registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void begin(void) {
  const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  let_cpuid(0);
}
