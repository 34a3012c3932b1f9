// Reading LceBconv2d, and CONV_2D where its weights are -1 and +1.
#include "node.h"

// ---- LceBconv2d.

static bool read_options(const lce_node* node, lce_bconv2d_attributes* a, lce_reason* why) {
  int32_t padding, activation;
  lce_window2d* w = &a->window;
  if (!lce_read_option(node, "channels_in", 1, INT32_MAX, &a->channels_in, why) ||
      !lce_read_option(node, "stride_height", 1, INT32_MAX, &w->stride_height, why) ||
      !lce_read_option(node, "stride_width", 1, INT32_MAX, &w->stride_width, why) ||
      !lce_read_option(node, "dilation_height_factor", 1, INT32_MAX, &w->dilation_height, why) ||
      !lce_read_option(node, "dilation_width_factor", 1, INT32_MAX, &w->dilation_width, why) ||
      !lce_read_option(node, "padding", LCE_SAME, LCE_VALID, &padding, why) ||
      !lce_read_option(node, "pad_values", 0, 1, &a->pad_value, why) ||
      !lce_read_option(node, "fused_activation_function", LCE_LINEAR, LCE_RELU6, &activation,
                       why)) {
    return false;
  }
  w->padding = (lce_padding)padding;
  a->activation = (lce_activation)activation;
  return true;
}

// The number of groups follows from how many of the input's words a filter has.
static bool find_groups(lce_bconv2d_attributes* a, int32_t filter_words, lce_reason* why) {
  const int32_t words = lce_words(a->channels_in);
  if (words % filter_words != 0) {
    return lce_refuse(why, "its %d words of input channels are no multiple of its filters' %d",
                      (int)words, (int)filter_words);
  }
  a->groups = words / filter_words;
  return true;
}

static bool read_output(const lce_node* node, lce_bconv2d_attributes* a, lce_reason* why) {
  const TfLiteTensor* output = lce_output(node, 0);
  const void *thresholds, *multiplier, *bias;
  switch (output->type) {
    case kTfLiteInt32:
      a->output = LCE_BITS;
      if (!lce_channel_constant(lce_input(node, 4), kTfLiteInt32, a->channels_out,
                                "its thresholds", &thresholds, why)) {
        return false;
      }
      a->thresholds = thresholds;
      return true;
    case kTfLiteFloat32:
      a->output = LCE_FLOAT32;
      break;
    case kTfLiteInt8:
      a->output = LCE_INT8;
      break;
    default:
      return lce_refuse(why, "its output is of type %s, expected float32, int8 or int32",
                        lce_tensor_type_name(output->type));
  }
  if (!lce_channel_constant(lce_input(node, 2), kTfLiteFloat32, a->channels_out, "its multiplier",
                            &multiplier, why) ||
      !lce_channel_constant(lce_input(node, 3), kTfLiteFloat32, a->channels_out, "its bias", &bias,
                            why)) {
    return false;
  }
  a->multiplier = multiplier;
  a->bias = bias;
  if (output->type == kTfLiteInt8) {
    if (output->quantization.type != kTfLiteAffineQuantization) {
      return lce_refuse(why, "its int8 output has no valid quantization");
    }
    a->output_scale = output->params.scale;
    a->output_zero_point = output->params.zero_point;
  }
  return true;
}

static bool read_bconv2d(const lce_node* node, const lce_kernel* kernel, lce_operator** op,
                         lce_reason* why) {
  if (!lce_check_arity(node, 5, 1, why)) return false;
  if (lce_output(node, 0) == NULL) return lce_refuse(why, "its output is missing");
  if (!lce_check_packed(lce_input(node, 0), "its input", why)) return false;

  lce_bconv2d_attributes a = {.groups = 1};
  if (!read_options(node, &a, why)) return false;
  lce_shape filter;
  const TfLiteTensor* weights = lce_input(node, 1);
  if (!lce_constant(weights, kTfLiteInt32, 4, &filter, "its filter", why)) return false;
  a.weights = weights->data;
  a.channels_out = filter.dims[0];
  a.window.filter_height = filter.dims[1];
  a.window.filter_width = filter.dims[2];
  if (!find_groups(&a, filter.dims[3], why) || !read_output(node, &a, why)) return false;
  if (op == NULL) return lce_bconv2d_check(&a, why);
  *op = lce_bconv2d_create(&a, kernel, why);
  return *op != NULL;
}

const lce_node_type lce_node_bconv2d = {"LceBconv2d", -1, 1, read_bconv2d};

// ---- CONV_2D of one channel by -1 and +1.

static bool read_conv2d(const lce_node* node, const lce_kernel* kernel, lce_operator** op,
                        lce_reason* why) {
  const TfLiteConvParams* options = node->node->builtin_data;
  const int inputs = lce_input_count(node);
  if (inputs != 2 && inputs != 3) return lce_refuse(why, "it has %d inputs", inputs);
  if (!lce_check_arity(node, inputs, 1, why)) return false;
  const TfLiteTensor* input = lce_input(node, 0);
  const TfLiteTensor* output = lce_output(node, 0);
  if (input == NULL || output == NULL || input->type != kTfLiteFloat32 ||
      output->type != kTfLiteFloat32) {
    return lce_refuse(why, "it is not of float32");
  }
  if (options == NULL || options->activation != 0 ||
      (options->padding != kTfLitePaddingSame && options->padding != kTfLitePaddingValid)) {
    return lce_refuse(why, "it has no options, or an activation function");
  }
  lce_shape filter;
  const TfLiteTensor* weights = lce_input(node, 1);
  if (!lce_constant(weights, kTfLiteFloat32, 4, &filter, "its filter", why)) return false;
  if (filter.dims[3] != 1) return lce_refuse(why, "it has %d input channels", (int)filter.dims[3]);
  const void* bias = NULL;
  const bool has_bias = inputs == 3 && node->node->inputs->data[2] >= 0;
  if (has_bias && !lce_channel_constant(lce_input(node, 2), kTfLiteFloat32, filter.dims[0],
                                        "its bias", &bias, why)) {
    return false;
  }
  const lce_sign_conv2d_attributes a = {
      .window = {filter.dims[1], filter.dims[2], options->stride_height, options->stride_width,
                 options->dilation_height, options->dilation_width,
                 options->padding == kTfLitePaddingSame ? LCE_SAME : LCE_VALID},
      .channels_out = filter.dims[0],
      .weights = weights->data,
      .bias = bias,
      .output = node->packs ? LCE_BITS : LCE_FLOAT32,
  };
  if (op == NULL) return lce_sign_conv2d_check(&a, why);
  *op = lce_sign_conv2d_create(&a, kernel, why);
  return *op != NULL;
}

const lce_node_type lce_node_conv2d = {"CONV_2D", kTfLiteBuiltinConv2d, 1, read_conv2d};
