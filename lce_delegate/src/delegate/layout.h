// Is the runtime's memory laid out as tflite_abi.h declares it?
#ifndef LCE_DELEGATE_LAYOUT_H_
#define LCE_DELEGATE_LAYOUT_H_

#include "operator.h"
#include "tflite_abi.h"

// Looks for signs of another layout before anything else is read: functions that are missing, and
// members of the tensors, which lie one behind the other in an array, that hold what they never can.
// False, with a reason, if there is one.
bool lce_check_layout(const TfLiteContext* context, lce_reason* why);

#endif  // LCE_DELEGATE_LAYOUT_H_
