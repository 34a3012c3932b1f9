package org.ferlarq.demo.model

import org.ferlarq.demo.inference.ModelCard
import org.ferlarq.demo.ui.Problem

/**
 * @property card null until the model was read.
 * @property progress of the measurement, 0 to 1; null while none runs.
 * @property timings of the last measurement, empty before it.
 */
data class ModelState(
    val card: ModelCard? = null,
    val problem: Problem? = null,
    val progress: Float? = null,
    val timings: List<Timing> = emptyList(),
)
