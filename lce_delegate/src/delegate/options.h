// Reading integers from the options of a custom operator.
#ifndef LCE_DELEGATE_OPTIONS_H_
#define LCE_DELEGATE_OPTIONS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { LCE_OPTION_OK, LCE_OPTION_MALFORMED, LCE_OPTION_MISSING, LCE_OPTION_TYPE } lce_option_status;

// Looks `key` up in `bytes`, a FlexBuffer whose root is a map, as LCE's converter writes it.
// Integers of every width, direct and indirect, and booleans are read; nothing outside
// [bytes, bytes + size) is touched, whatever the bytes hold.
lce_option_status lce_option_integer(const uint8_t* bytes, size_t size, const char* key,
                                     int64_t* value);

#endif  // LCE_DELEGATE_OPTIONS_H_
