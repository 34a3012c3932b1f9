#include "options.h"

#include <string.h>

// FlexBuffers (https://flatbuffers.dev/flexbuffers) are read from the back: the last byte is the
// width w of the root value, the byte before it the root's packed type, and before that lies the
// root itself. For a map the root is the distance back to its first value. Before the values of a
// map stand, each w bytes wide: the distance to its vector of keys, the width of that vector's
// elements, and the number of values. The packed types, one byte each, follow the values.
// A packed type is (type << 2) | log2(width).

enum {
  TYPE_INT = 1,
  TYPE_UINT = 2,
  TYPE_INDIRECT_INT = 6,
  TYPE_INDIRECT_UINT = 7,
  TYPE_MAP = 9,
  TYPE_BOOL = 26
};

typedef struct {
  const uint8_t* bytes;
  size_t size;
} buffer;

static bool inside(const buffer* b, size_t position, size_t length) {
  return position <= b->size && length <= b->size - position;
}

static bool is_width(uint64_t width) {
  return width == 1 || width == 2 || width == 4 || width == 8;
}

// Reads a little-endian unsigned integer of `width` bytes.
static bool read(const buffer* b, size_t position, size_t width, uint64_t* value) {
  if (!inside(b, position, width)) return false;
  *value = 0;
  for (size_t i = 0; i < width; ++i) *value |= (uint64_t)b->bytes[position + i] << (8 * i);
  return true;
}

// Follows an offset: the value at `position` is a distance back from `position`.
static bool follow(const buffer* b, size_t position, size_t width, size_t* target) {
  uint64_t distance;
  if (!read(b, position, width, &distance) || distance > position) return false;
  *target = position - (size_t)distance;
  return true;
}

static bool key_equals(const buffer* b, size_t position, const char* key) {
  const size_t length = strlen(key) + 1;  // keys end with a zero byte
  return inside(b, position, length) && memcmp(b->bytes + position, key, length) == 0;
}

static lce_option_status read_integer(const buffer* b, size_t position, size_t width, int type,
                                      int64_t* value) {
  uint64_t bits;
  if (!read(b, position, width, &bits)) return LCE_OPTION_MALFORMED;
  if (type == TYPE_INT) {
    const uint64_t sign = (uint64_t)1 << (8 * width - 1);
    *value = (int64_t)((bits ^ sign) - sign);  // sign extension
    return LCE_OPTION_OK;
  }
  if (bits > INT64_MAX) return LCE_OPTION_TYPE;
  *value = (int64_t)bits;
  return LCE_OPTION_OK;
}

lce_option_status lce_option_integer(const uint8_t* bytes, size_t size, const char* key,
                                     int64_t* value) {
  const buffer b = {bytes, bytes == NULL ? 0 : size};
  if (b.size < 3) return LCE_OPTION_MALFORMED;
  const size_t root_width = b.bytes[b.size - 1];
  const int root_type = b.bytes[b.size - 2];
  if (!is_width(root_width) || root_width > b.size - 2 || root_type >> 2 != TYPE_MAP) {
    return LCE_OPTION_MALFORMED;
  }

  size_t map;
  const size_t width = (size_t)1 << (root_type & 3);
  if (!follow(&b, b.size - 2 - root_width, root_width, &map) || map < 3 * width) {
    return LCE_OPTION_MALFORMED;
  }
  size_t keys;
  uint64_t key_width, count;
  if (!follow(&b, map - 3 * width, width, &keys) ||
      !read(&b, map - 2 * width, width, &key_width) || !is_width(key_width) ||
      !read(&b, map - width, width, &count) || count > b.size / (width + 1) ||
      count > b.size / key_width || !inside(&b, map, (size_t)count * (width + 1)) ||
      !inside(&b, keys, (size_t)(count * key_width))) {
    return LCE_OPTION_MALFORMED;
  }

  for (size_t i = 0; i < count; ++i) {
    size_t name;
    if (!follow(&b, keys + i * (size_t)key_width, (size_t)key_width, &name)) {
      return LCE_OPTION_MALFORMED;
    }
    if (!key_equals(&b, name, key)) continue;
    const int packed_type = b.bytes[map + (size_t)count * width + i];
    const int type = packed_type >> 2;
    size_t position = map + i * width;
    switch (type) {
      case TYPE_INT:
      case TYPE_UINT:
      case TYPE_BOOL:
        return read_integer(&b, position, width, type, value);
      case TYPE_INDIRECT_INT:
      case TYPE_INDIRECT_UINT:
        if (!follow(&b, position, width, &position)) return LCE_OPTION_MALFORMED;
        return read_integer(&b, position, (size_t)1 << (packed_type & 3),
                            type == TYPE_INDIRECT_INT ? TYPE_INT : TYPE_UINT, value);
      default:
        return LCE_OPTION_TYPE;
    }
  }
  return LCE_OPTION_MISSING;
}
