// As much of a C library as test_kernels.c needs on a machine without an operating system: printing
// to the first serial port, and memory that is taken from the front.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int main(void);
void run_tests(void);
void* lce_allocate(size_t bytes);
void lce_free(void* memory);

enum { SERIAL = 0x3f8, SERIAL_LINE = SERIAL + 3, SERIAL_STATUS = SERIAL + 5, POWER = 0x8900 };

static void out(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

int putchar(int c) {
  while (!(in(SERIAL_STATUS) & 0x20)) continue;
  out(SERIAL, (uint8_t)c);
  return c;
}

static void print(const char* text) {
  while (*text) putchar(*text++);
}

static void print_number(long value) {
  char digits[24];
  int count = 0;
  unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;
  if (value < 0) putchar('-');
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  while (count > 0) putchar(digits[--count]);
}

// Knows %s, %d and %zu.
static void print_format(const char* format, va_list arguments) {
  for (; *format; ++format) {
    if (*format != '%') {
      putchar(*format);
    } else if (*++format == 's') {
      print(va_arg(arguments, const char*));
    } else if (*format == 'd') {
      print_number(va_arg(arguments, int));
    } else if (*format == 'z') {
      ++format;
      print_number((long)va_arg(arguments, size_t));
    }
  }
}

int printf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  print_format(format, arguments);
  va_end(arguments);
  return 0;
}

FILE* stderr;

int fprintf(FILE* file, const char* format, ...) {
  (void)file;
  va_list arguments;
  va_start(arguments, format);
  print_format(format, arguments);
  va_end(arguments);
  return 0;
}

int fputc(int c, FILE* file) {
  (void)file;
  return putchar(c);
}

int puts(const char* text) {
  print(text);
  return putchar('\n');
}

void* memset(void* to, int value, size_t bytes) {
  volatile uint8_t* p = to;
  for (size_t i = 0; i < bytes; ++i) p[i] = (uint8_t)value;
  return to;
}

void* memcpy(void* to, const void* from, size_t bytes) {
  volatile uint8_t* p = to;
  for (size_t i = 0; i < bytes; ++i) p[i] = ((const uint8_t*)from)[i];
  return to;
}

int memcmp(const void* a, const void* b, size_t bytes) {
  const uint8_t *p = a, *q = b;
  for (size_t i = 0; i < bytes; ++i) {
    if (p[i] != q[i]) return p[i] - q[i];
  }
  return 0;
}

int strcmp(const char* a, const char* b) {
  for (; *a && *a == *b; ++a, ++b) continue;
  return (unsigned char)*a - (unsigned char)*b;
}

static const uintptr_t FIRST_FREE = 32 << 20;
static uintptr_t next_free = 32 << 20;
static int in_use;

void* lce_allocate(size_t bytes) {
  void* memory = (void*)next_free;
  next_free = (next_free + bytes + 63) & ~(uintptr_t)63;
  ++in_use;
  return memory;
}

void free(void* memory);

void* malloc(size_t bytes) { return lce_allocate(bytes); }

void lce_free(void* memory) { free(memory); }

// Memory is there again once all of it was given back.
void free(void* memory) {
  if (memory != NULL && --in_use == 0) next_free = FIRST_FREE;
}

void run_tests(void) {
  out(SERIAL_LINE, 3);  // eight bits
  printf("exit code %d\n", main());
  while (!(in(SERIAL_STATUS) & 0x40)) continue;  // until the last letter is out
  for (const char* c = "Shutdown"; *c; ++c) out(POWER, (uint8_t)*c);  // Bochs ends
}
