#pragma once

#define isinf(x) __builtin_isinf(x)
#define isnan(x) __builtin_isnan(x)

float roundf(float);
