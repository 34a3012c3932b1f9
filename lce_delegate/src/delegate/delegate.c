// The delegate as the runtime sees it: it is created, told to prepare a graph, and then its
// partitions are run as nodes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "lce_delegate.h"
#include "partition.h"

// ---- A partition as a node.

static void* node_init(TfLiteContext* context, const char* buffer, size_t length) {
  (void)length;
  return lce_partition_create(context, (const TfLiteDelegateParams*)(const void*)buffer);
}

static void node_free(TfLiteContext* context, void* partition) {
  (void)context;
  lce_partition_delete(partition);
}

static TfLiteStatus node_prepare(TfLiteContext* context, TfLiteNode* node) {
  lce_partition* partition = node->user_data;
  if (partition == NULL || partition->failure.text[0] != '\0') {
    context->ReportError(context, "lce_delegate: %s",
                         partition == NULL ? "out of memory" : partition->failure.text);
    return kTfLiteError;
  }
  return lce_partition_prepare(partition, context) ? kTfLiteOk : kTfLiteError;
}

static TfLiteStatus node_invoke(TfLiteContext* context, TfLiteNode* node) {
  return lce_partition_run(node->user_data, context) ? kTfLiteOk : kTfLiteError;
}

// ---- The delegate.

// Several interpreters may prepare one delegate at the same time.
static bool make_pool(lce_delegate* delegate, const TfLiteContext* context) {
  lce_mutex_lock(&delegate->starting);
  if (delegate->pool == NULL) {
    int threads = delegate->num_threads;
    if (threads == 0) threads = context->recommended_num_threads;
    if (threads < 1) threads = 1;
    if (threads > LCE_MAX_THREADS) threads = LCE_MAX_THREADS;
    delegate->pool = lce_thread_pool_create(threads);
  }
  const bool made = delegate->pool != NULL;
  lce_mutex_unlock(&delegate->starting);
  return made;
}

static TfLiteStatus replace_nodes(TfLiteContext* context, TfLiteDelegate* base,
                                  const TfLiteIntArray* plan) {
  const TfLiteRegistration registration = {
      .init = node_init,
      .free = node_free,
      .prepare = node_prepare,
      .invoke = node_invoke,
      .builtin_code = kTfLiteBuiltinDelegate,
      .custom_name = "LceDelegate",
      .version = 1,
  };
  TfLiteIntArray* claimed = malloc(sizeof *claimed + (size_t)plan->size * sizeof claimed->data[0]);
  if (claimed == NULL) {
    context->ReportError(context, "lce_delegate: out of memory");
    return kTfLiteError;
  }
  TfLiteStatus status = kTfLiteError;
  if (lce_claim_nodes(context, plan, claimed)) {
    status = context->ReplaceNodeSubsetsWithDelegateKernels(context, registration, claimed, base);
  }
  free(claimed);
  return status;
}

static TfLiteStatus delegate_prepare(TfLiteContext* context, TfLiteDelegate* base) {
  lce_reason why;
  if (!lce_check_layout(context, &why)) {
    if (context->ReportError != NULL) context->ReportError(context, "lce_delegate: %s", why.text);
    return kTfLiteError;
  }
  TfLiteIntArray* plan;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return kTfLiteError;
  if (make_pool(base->data_, context)) return replace_nodes(context, base, plan);
  context->ReportError(context, "lce_delegate: out of memory");
  return kTfLiteError;
}

// ---- The public functions.

typedef struct {
  void (*report)(void* user_data, const char* message);
  void* user_data;
} reporter;

static void report(const reporter* to, const char* format, const char* detail) {
  char message[160];
  if (to->report == NULL) return;
  snprintf(message, sizeof message, format, detail);
  to->report(to->user_data, message);
}

LceDelegateOptions LceDelegateOptionsDefault(void) {
  return (LceDelegateOptions){sizeof(LceDelegateOptions), 0, NULL};
}

// The options of a caller that may have been compiled with fewer or more of them.
static bool read_options(const LceDelegateOptions* options, LceDelegateOptions* chosen,
                         const reporter* to) {
  *chosen = LceDelegateOptionsDefault();
  if (options == NULL) return true;
  const size_t size = options->size < sizeof *chosen ? options->size : sizeof *chosen;
  if (size < offsetof(LceDelegateOptions, num_threads) + sizeof chosen->num_threads) {
    report(to, "lce_delegate: the options have no size, begin with LceDelegateOptionsDefault()%s", "");
    return false;
  }
  memcpy(chosen, options, size);
  if (chosen->num_threads >= 0 && chosen->num_threads <= LCE_MAX_THREADS) return true;
  report(to, "lce_delegate: num_threads is out of range, expected 0 to 64%s", "");
  return false;
}

struct TfLiteDelegate* LceDelegateCreate(const LceDelegateOptions* options,
                                         void (*reports)(void* user_data, const char* message),
                                         void* user_data) {
  const reporter to = {reports, user_data};
  LceDelegateOptions chosen;
  if (!read_options(options, &chosen, &to)) return NULL;
  const lce_kernel* kernel = lce_find_kernel(chosen.kernel);
  if (kernel == NULL) {
    report(&to, "lce_delegate: this processor or build has no kernel %.60s", chosen.kernel);
    return NULL;
  }
  lce_delegate* delegate = calloc(1, sizeof *delegate);
  if (delegate == NULL) {
    report(&to, "lce_delegate: out of memory%s", "");
    return NULL;
  }
  delegate->kernel = kernel;
  delegate->num_threads = chosen.num_threads;
  lce_mutex_init(&delegate->starting);
  delegate->base.data_ = delegate;
  delegate->base.Prepare = delegate_prepare;
  delegate->base.flags = kTfLiteDelegateFlagsAllowDynamicTensors;
  return &delegate->base;
}

void LceDelegateDelete(struct TfLiteDelegate* base) {
  if (base == NULL) return;
  lce_delegate* delegate = base->data_;
  lce_thread_pool_delete(delegate->pool);
  lce_mutex_destroy(&delegate->starting);
  free(delegate);
}

const char* LceDelegateKernel(const struct TfLiteDelegate* base) {
  return base == NULL ? NULL : lce_kernel_name(((const lce_delegate*)base->data_)->kernel);
}

const char* LceDelegateVersion(void) { return LCE_DELEGATE_VERSION; }

const char* LceKernelName(int index) {
  for (const lce_kernel* const* kernel = lce_kernels; *kernel != NULL; ++kernel) {
    if ((*kernel)->supported() && index-- == 0) return (*kernel)->instruction_set;
  }
  return NULL;
}
