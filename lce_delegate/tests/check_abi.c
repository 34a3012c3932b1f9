// Compares our declarations of TensorFlow Lite's structs with the official header. The official
// names are given a prefix, so that both can be included.
#include <stdio.h>

#define TfLiteStatus OfficialStatus
#define TfLiteType OfficialType
#define TfLiteAllocationType OfficialAllocationType
#define TfLiteQuantizationType OfficialQuantizationType
#define TfLiteContext OfficialContext
#define TfLiteDelegate OfficialDelegate
#define TfLiteIntArray OfficialIntArray
#define TfLiteQuantizationParams OfficialQuantizationParams
#define TfLiteQuantization OfficialQuantization
#define TfLiteTensor OfficialTensor
#define TfLiteNode OfficialNode
#define TfLiteRegistration OfficialRegistration
#define TfLiteDelegateParams OfficialDelegateParams
#define kTfLiteOk OfficialOk
#define kTfLiteError OfficialError
#define kTfLiteNoType OfficialNoType
#define kTfLiteFloat32 OfficialFloat32
#define kTfLiteInt32 OfficialInt32
#define kTfLiteUInt8 OfficialUInt8
#define kTfLiteBool OfficialBool
#define kTfLiteInt8 OfficialInt8
#define kTfLiteMemNone OfficialMemNone
#define kTfLiteMmapRo OfficialMmapRo
#define kTfLiteNoQuantization OfficialNoQuantization
#define kTfLiteAffineQuantization OfficialAffineQuantization
#define kTfLiteDelegateFlagsAllowDynamicTensors OfficialAllowDynamicTensors
#include "tensorflow/lite/core/c/common.h"
#undef TfLiteStatus
#undef TfLiteType
#undef TfLiteAllocationType
#undef TfLiteQuantizationType
#undef TfLiteContext
#undef TfLiteDelegate
#undef TfLiteIntArray
#undef TfLiteQuantizationParams
#undef TfLiteQuantization
#undef TfLiteTensor
#undef TfLiteNode
#undef TfLiteRegistration
#undef TfLiteDelegateParams
#undef kTfLiteOk
#undef kTfLiteError
#undef kTfLiteNoType
#undef kTfLiteFloat32
#undef kTfLiteInt32
#undef kTfLiteUInt8
#undef kTfLiteBool
#undef kTfLiteInt8
#undef kTfLiteMemNone
#undef kTfLiteMmapRo
#undef kTfLiteNoQuantization
#undef kTfLiteAffineQuantization
#undef kTfLiteDelegateFlagsAllowDynamicTensors
#include "../src/delegate/tflite_abi.h"

#define SAME_OFFSET(type, member)                                                          \
  _Static_assert(offsetof(TfLite##type, member) == offsetof(Official##type, member),       \
                 #type "." #member " lies elsewhere")
#define SAME_SIZE(type) \
  _Static_assert(sizeof(TfLite##type) == sizeof(Official##type), #type " has another size")
#define SAME_VALUE(name) _Static_assert((int)kTfLite##name == (int)Official##name, #name)

SAME_VALUE(Ok);
SAME_VALUE(Error);
SAME_VALUE(NoType);
SAME_VALUE(Float32);
SAME_VALUE(Int32);
SAME_VALUE(UInt8);
SAME_VALUE(Bool);
SAME_VALUE(Int8);
SAME_VALUE(MemNone);
SAME_VALUE(MmapRo);
SAME_VALUE(NoQuantization);
SAME_VALUE(AffineQuantization);

SAME_OFFSET(IntArray, size);
SAME_OFFSET(IntArray, data);
SAME_SIZE(QuantizationParams);
SAME_OFFSET(QuantizationParams, scale);
SAME_OFFSET(QuantizationParams, zero_point);
SAME_SIZE(Quantization);
SAME_OFFSET(Quantization, type);

SAME_SIZE(Tensor);
SAME_OFFSET(Tensor, type);
SAME_OFFSET(Tensor, data);
SAME_OFFSET(Tensor, dims);
SAME_OFFSET(Tensor, params);
SAME_OFFSET(Tensor, allocation_type);
SAME_OFFSET(Tensor, bytes);
SAME_OFFSET(Tensor, data_is_stale);
SAME_OFFSET(Tensor, is_variable);
SAME_OFFSET(Tensor, quantization);
SAME_OFFSET(Tensor, dims_signature);

SAME_OFFSET(Node, inputs);
SAME_OFFSET(Node, outputs);
SAME_OFFSET(Node, user_data);
SAME_OFFSET(Node, builtin_data);
SAME_OFFSET(Node, custom_initial_data);
SAME_OFFSET(Node, custom_initial_data_size);

#ifdef LCE_SHORTER_REGISTRATION  // before 2.14: where it lies in memory, a runtime reads its beginning
_Static_assert(sizeof(TfLiteRegistration) > sizeof(OfficialRegistration), "Registration is shorter");
#else
SAME_SIZE(Registration);
SAME_OFFSET(Registration, inplace_operator);
#endif
SAME_OFFSET(Registration, init);
SAME_OFFSET(Registration, free);
SAME_OFFSET(Registration, prepare);
SAME_OFFSET(Registration, invoke);
SAME_OFFSET(Registration, builtin_code);
SAME_OFFSET(Registration, custom_name);
SAME_OFFSET(Registration, version);

SAME_OFFSET(Context, tensors_size);
SAME_OFFSET(Context, GetExecutionPlan);
SAME_OFFSET(Context, tensors);
SAME_OFFSET(Context, ResizeTensor);
SAME_OFFSET(Context, ReportError);
SAME_OFFSET(Context, GetNodeAndRegistration);
SAME_OFFSET(Context, ReplaceNodeSubsetsWithDelegateKernels);
SAME_OFFSET(Context, recommended_num_threads);

SAME_SIZE(DelegateParams);
SAME_OFFSET(DelegateParams, delegate);
SAME_OFFSET(DelegateParams, nodes_to_replace);
SAME_OFFSET(DelegateParams, input_tensors);
SAME_OFFSET(DelegateParams, output_tensors);

SAME_SIZE(Delegate);
SAME_OFFSET(Delegate, data_);
SAME_OFFSET(Delegate, Prepare);
SAME_OFFSET(Delegate, flags);

int main(void) {
  puts("the declarations agree with the official header");
  return 0;
}
