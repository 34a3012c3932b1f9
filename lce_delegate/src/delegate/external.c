// The entry points of TensorFlow Lite's external delegates, which take options as text.
#include <stdio.h>
#include <string.h>

#include "lce_delegate.h"

typedef struct {
  void (*report)(const char* message);
} text_reporter;

static void report(void* to, const char* message) {
  if (((const text_reporter*)to)->report != NULL) ((const text_reporter*)to)->report(message);
}

// Reads a decimal number of at most four digits, nothing else; -1 if it is none.
static int read_number(const char* text) {
  int number = 0, digits = 0;
  for (; *text >= '0' && *text <= '9' && digits < 4; ++text, ++digits) {
    number = 10 * number + (*text - '0');
  }
  return digits > 0 && *text == '\0' ? number : -1;
}

struct TfLiteDelegate* tflite_plugin_create_delegate(char** keys, char** values, size_t count,
                                                     void (*reports)(const char* message)) {
  text_reporter to = {reports};
  LceDelegateOptions options = LceDelegateOptionsDefault();
  for (size_t i = 0; i < count; ++i) {
    if (keys == NULL || values == NULL || keys[i] == NULL || values[i] == NULL) {
      report(&to, "lce_delegate: an option has no name or no value");
      return NULL;
    }
    if (strcmp(keys[i], "num_threads") == 0) {
      options.num_threads = read_number(values[i]);
    } else if (strcmp(keys[i], "kernel") == 0) {
      options.kernel = values[i];
    } else {
      char message[160];
      snprintf(message, sizeof message,
               "lce_delegate: unknown option %.60s, expected num_threads or kernel", keys[i]);
      report(&to, message);
      return NULL;
    }
  }
  return LceDelegateCreate(&options, report, &to);
}

void tflite_plugin_destroy_delegate(struct TfLiteDelegate* delegate) { LceDelegateDelete(delegate); }
