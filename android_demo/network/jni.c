// The native methods of org.ferlarq.demo.inference.PackedNetwork.
#include <jni.h>
#include <stdint.h>

#include "packed_network.h"

static void throw_illegal_argument(JNIEnv* env, const char* message) {
  jclass type = (*env)->FindClass(env, "java/lang/IllegalArgumentException");
  if (type != NULL) (*env)->ThrowNew(env, type, message);
}

// `model` is a direct buffer.
JNIEXPORT jlong JNICALL Java_org_ferlarq_demo_inference_PackedNetwork_open(JNIEnv* env, jclass type,
                                                                          jobject model) {
  (void)type;
  const uint8_t* bytes = (*env)->GetDirectBufferAddress(env, model);
  const jlong size = (*env)->GetDirectBufferCapacity(env, model);
  lce_reason why = {"the model is in no direct buffer"};
  packed_network* network = NULL;
  if (bytes != NULL && size >= 0) network = packed_network_open(bytes, (size_t)size, &why);
  if (network == NULL) throw_illegal_argument(env, why.text);
  return (jlong)(intptr_t)network;
}

JNIEXPORT jlong JNICALL Java_org_ferlarq_demo_inference_PackedNetwork_inputSize(JNIEnv* env,
                                                                               jclass type,
                                                                               jlong handle) {
  (void)env;
  (void)type;
  return (jlong)packed_network_input_size((packed_network*)(intptr_t)handle);
}

JNIEXPORT jlong JNICALL Java_org_ferlarq_demo_inference_PackedNetwork_outputSize(JNIEnv* env,
                                                                                jclass type,
                                                                                jlong handle) {
  (void)env;
  (void)type;
  return (jlong)packed_network_output_size((packed_network*)(intptr_t)handle);
}

// `input` and `output` are direct buffers, the latter aligned to 4 bytes.
JNIEXPORT void JNICALL Java_org_ferlarq_demo_inference_PackedNetwork_run(JNIEnv* env, jclass type,
                                                                        jlong handle, jobject input,
                                                                        jobject output) {
  (void)type;
  packed_network* network = (packed_network*)(intptr_t)handle;
  const uint8_t* face = (*env)->GetDirectBufferAddress(env, input);
  float* scores = (*env)->GetDirectBufferAddress(env, output);
  const jlong face_bytes = (*env)->GetDirectBufferCapacity(env, input);
  const jlong score_bytes = (*env)->GetDirectBufferCapacity(env, output);
  if (face == NULL || scores == NULL || (uintptr_t)scores % sizeof *scores != 0 ||
      face_bytes < (jlong)packed_network_input_size(network) ||
      score_bytes < (jlong)(packed_network_output_size(network) * sizeof *scores)) {
    throw_illegal_argument(env, "a buffer is too small, or not direct");
    return;
  }
  packed_network_run(network, face, scores);
}

JNIEXPORT void JNICALL Java_org_ferlarq_demo_inference_PackedNetwork_close(JNIEnv* env, jclass type,
                                                                          jlong handle) {
  (void)env;
  (void)type;
  packed_network_close((packed_network*)(intptr_t)handle);
}
