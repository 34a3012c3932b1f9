package org.ferlarq.demo.ui

import android.content.Context
import java.text.NumberFormat
import org.ferlarq.demo.R
import org.ferlarq.demo.inference.Face

private class Expression(val name: Int, val colour: Int)

private val EXPRESSIONS = mapOf(
    "angry" to Expression(R.string.angry, R.color.angry),
    "disgust" to Expression(R.string.disgust, R.color.disgust),
    "fear" to Expression(R.string.fear, R.color.fear),
    "happy" to Expression(R.string.happy, R.color.happy),
    "sad" to Expression(R.string.sad, R.color.sad),
    "surprise" to Expression(R.string.surprise, R.color.surprise),
    "neutral" to Expression(R.string.neutral, R.color.neutral),
)

/** The user's word for a label of the model; the label itself if there is none. */
fun expressionName(context: Context, label: String): String =
    EXPRESSIONS[label]?.let { context.getString(it.name) } ?: label

/** The colour of a label's bar and line. */
fun expressionColour(context: Context, label: String): Int =
    context.getColor(EXPRESSIONS[label]?.colour ?: R.color.accent)

/**
 * Probabilities in whole per cents that add up to 100 as they do to 1: each is rounded down, and those
 * that lost most get one more.
 */
fun wholePercents(probabilities: FloatArray): IntArray {
    val whole = IntArray(probabilities.size) { (100 * probabilities[it]).toInt() }
    val missing = Math.round(100 * probabilities.sum()) - whole.sum()
    probabilities.indices.sortedByDescending { 100 * probabilities[it] - whole[it] }
        .take(maxOf(0, missing)).forEach { whole[it]++ }
    return whole
}

/** A number of per cents, as the user writes it. */
fun percent(context: Context, whole: Int): String =
    NumberFormat.getPercentInstance(context.resources.configuration.locales[0]).format(whole / 100.0)

/** The most probable expression of a face, and how probable it is. */
fun describe(context: Context, face: Face, labels: List<String>): String = context.getString(
    R.string.expression_and_probability,
    expressionName(context, labels[face.best]),
    percent(context, wholePercents(face.probabilities)[face.best]),
)

/** What a screen reader says of the faces. */
fun describe(context: Context, faces: List<Face>, labels: List<String>): String =
    if (faces.isEmpty()) {
        context.getString(R.string.no_face_seen)
    } else {
        val words = faces.joinToString { expressionName(context, labels[it.best]) }
        context.resources.getQuantityString(R.plurals.faces_seen, faces.size, faces.size, words)
    }
