// Lets TensorFlow Lite's x86-64 library for Android run in a Java machine on glibc, for tests. It is
// loaded before everything else (LD_PRELOAD) and supplies what Android's C library has and glibc
// has not, or has otherwise.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Android's stdin, stdout and stderr are elements of this array, 152 bytes each.
enum { ANDROID_FILE_BYTES = 152 };
char __sF[3 * ANDROID_FILE_BYTES];

static FILE* native(FILE* file) {
  const char* address = (const char*)file;
  if (address < __sF || address >= __sF + sizeof __sF) return file;
  return (address - __sF) / ANDROID_FILE_BYTES == 1 ? stdout : stderr;
}

#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

int vfprintf(FILE* file, const char* format, va_list arguments) {
  return NEXT(vfprintf)(native(file), format, arguments);
}

int fprintf(FILE* file, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vfprintf(file, format, arguments);
  va_end(arguments);
  return written;
}

int fputc(int character, FILE* file) { return NEXT(fputc)(character, native(file)); }

size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
  return NEXT(fwrite)(data, size, count, native(file));
}

int fflush(FILE* file) { return NEXT(fflush)(native(file)); }

int fileno(FILE* file) { return NEXT(fileno)(native(file)); }

int* __errno(void) { return &errno; }

size_t __strlen_chk(const char* text, size_t bytes) {
  (void)bytes;
  return strlen(text);
}

// Android numbers these otherwise; none of its numbers here is one that a Java machine asks glibc.
long sysconf(int name) {
  static const struct {
    int android, glibc;
  } names[] = {{0x27, _SC_PAGESIZE},
               {0x28, _SC_PAGESIZE},
               {0x60, _SC_NPROCESSORS_CONF},
               {0x61, _SC_NPROCESSORS_ONLN},
               {0x62, _SC_PHYS_PAGES}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    if (name == names[i].android) return NEXT(sysconf)(names[i].glibc);
  }
  return NEXT(sysconf)(name);
}

int __system_property_get(const char* name, char* value) {
  (void)name;
  value[0] = '\0';
  return 0;
}

void android_set_abort_message(const char* message) { fprintf(stderr, "abort: %s\n", message); }

int __android_log_vprint(int priority, const char* tag, const char* format, va_list arguments) {
  (void)priority;
  fprintf(stderr, "%s: ", tag);
  vfprintf(stderr, format, arguments);
  return fputc('\n', stderr);
}
