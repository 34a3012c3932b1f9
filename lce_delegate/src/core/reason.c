// The few directives of printf that reasons are written with, so that no C library is needed.
#include <stdarg.h>

#include "operator.h"

typedef struct {
  char* to;
  size_t room;  // bytes left, the last one for the end
} writer;

static void put(writer* w, char character) {
  if (w->room <= 1) return;
  *w->to++ = character;
  --w->room;
}

static void put_text(writer* w, const char* text) {
  while (*text != '\0') put(w, *text++);
}

static void put_number(writer* w, long long number) {
  char digits[24];
  int count = 0;
  unsigned long long rest = number < 0 ? 0ULL - (unsigned long long)number : (unsigned long long)number;
  do {
    digits[count++] = (char)('0' + (int)(rest % 10));
    rest /= 10;
  } while (rest > 0);
  if (number < 0) put(w, '-');
  while (count > 0) put(w, digits[--count]);
}

bool lce_refuse(lce_reason* reason, const char* format, ...) {
  if (reason == NULL) return false;
  writer w = {reason->text, sizeof reason->text};
  va_list arguments;
  va_start(arguments, format);
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      put(&w, *format);
    } else if (format[1] == 's') {
      put_text(&w, va_arg(arguments, const char*));
      format += 1;
    } else if (format[1] == 'd') {
      put_number(&w, va_arg(arguments, int));
      format += 1;
    } else if (format[1] == 'z') {  // %zu: sizes are below 2^63
      put_number(&w, (long long)va_arg(arguments, size_t));
      format += 2;
    } else {  // %lld
      put_number(&w, va_arg(arguments, long long));
      format += 3;
    }
  }
  va_end(arguments);
  *w.to = '\0';
  return false;
}
