package org.ferlarq.demo.ui

import android.content.Context
import android.util.TypedValue

/** Pixels of a length in dp. */
fun Context.dp(value: Float) =
    TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_DIP, value, resources.displayMetrics)

/** Pixels of letters in sp. */
fun Context.sp(value: Float) =
    TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, value, resources.displayMetrics)
