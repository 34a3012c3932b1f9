// The native methods of org.ferlarq.lce.LceDelegate.
#include <jni.h>
#include <stdint.h>
#include <stdio.h>

#include "lce_delegate.h"

typedef struct {
  char text[192];
} failure;

static void keep_failure(void* to, const char* message) {
  failure* kept = to;
  snprintf(kept->text, sizeof kept->text, "%s", message);
}

static void throw_illegal_argument(JNIEnv* env, const char* message) {
  jclass type = (*env)->FindClass(env, "java/lang/IllegalArgumentException");
  if (type != NULL) (*env)->ThrowNew(env, type, message);
}

JNIEXPORT jlong JNICALL Java_org_ferlarq_lce_LceDelegate_create(JNIEnv* env, jclass type,
                                                                jint num_threads, jstring kernel) {
  (void)type;
  LceDelegateOptions options = LceDelegateOptionsDefault();
  options.num_threads = num_threads;
  if (kernel != NULL) {
    options.kernel = (*env)->GetStringUTFChars(env, kernel, NULL);
    if (options.kernel == NULL) return 0;  // OutOfMemoryError is pending
  }
  failure why = {"lce_delegate: could not be made"};
  struct TfLiteDelegate* delegate = LceDelegateCreate(&options, keep_failure, &why);
  if (kernel != NULL) (*env)->ReleaseStringUTFChars(env, kernel, options.kernel);
  if (delegate == NULL) throw_illegal_argument(env, why.text);
  return (jlong)(intptr_t)delegate;
}

JNIEXPORT void JNICALL Java_org_ferlarq_lce_LceDelegate_delete(JNIEnv* env, jclass type,
                                                               jlong handle) {
  (void)env;
  (void)type;
  LceDelegateDelete((struct TfLiteDelegate*)(intptr_t)handle);
}

JNIEXPORT jstring JNICALL Java_org_ferlarq_lce_LceDelegate_kernelOf(JNIEnv* env, jclass type,
                                                                    jlong handle) {
  (void)type;
  return (*env)->NewStringUTF(env, LceDelegateKernel((struct TfLiteDelegate*)(intptr_t)handle));
}

// The name of the `index`th set of kernels, or null past the last.
JNIEXPORT jstring JNICALL Java_org_ferlarq_lce_LceDelegate_kernelName(JNIEnv* env, jclass type,
                                                                      jint index) {
  (void)type;
  const char* name = LceKernelName(index);
  return name == NULL ? NULL : (*env)->NewStringUTF(env, name);
}
