// The native methods of org.ferlarq.lce.LceDelegate.
#include <jni.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "lce_delegate.h"

// LceDelegateCreate reports a failure while it is called, without a place for a caller's data: the
// lock makes the message this call's.
static pthread_mutex_t creating = PTHREAD_MUTEX_INITIALIZER;
static char failure[192];

static void keep_failure(const char* message) { snprintf(failure, sizeof failure, "%s", message); }

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
  char message[sizeof failure];
  pthread_mutex_lock(&creating);
  keep_failure("lce_delegate: could not be made");
  struct TfLiteDelegate* delegate = LceDelegateCreate(&options, keep_failure);
  snprintf(message, sizeof message, "%s", failure);
  pthread_mutex_unlock(&creating);
  if (kernel != NULL) (*env)->ReleaseStringUTFChars(env, kernel, options.kernel);
  if (delegate == NULL) throw_illegal_argument(env, message);
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
