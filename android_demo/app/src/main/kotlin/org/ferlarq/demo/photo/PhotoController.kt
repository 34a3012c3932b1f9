package org.ferlarq.demo.photo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.RectF
import android.net.Uri
import java.io.IOException
import java.util.concurrent.Executor
import org.ferlarq.demo.inference.Networks
import org.ferlarq.demo.inference.openAnalyzer
import org.ferlarq.demo.sharing.SharedFiles
import org.ferlarq.demo.ui.FacePainter
import org.ferlarq.demo.ui.Problem
import org.ferlarq.demo.ui.Store

/** Analyzes pictures that the user chooses. Its methods are called on the main thread. */
class PhotoController(
    private val context: Context,
    private val networks: Networks,
    private val main: Executor,
    private val background: Executor,
) {
    val state = Store<PhotoState>(PhotoState.Empty)

    private var generation = 0

    /** The picture that is shown, for when the system ends the app and starts it again. */
    var source: Uri? = null
        private set

    fun open(uri: Uri) {
        source = uri
        val started = ++generation
        state.set(PhotoState.Working)
        background.execute {
            val result = analyze(uri)
            main.execute { if (started == generation) state.set(result) }
        }
    }

    fun openAgain() {
        source?.let(::open)
    }

    fun fail(problem: Problem) {
        generation++
        source = null
        state.set(PhotoState.Failed(problem))
    }

    private fun analyze(uri: Uri): PhotoState = try {
        analyze(readPicture(context.contentResolver, uri))
    } catch (_: IOException) {
        PhotoState.Failed(Problem.PICTURE_UNREADABLE)
    } catch (_: OutOfMemoryError) {
        PhotoState.Failed(Problem.OUT_OF_MEMORY)
    }

    private fun analyze(picture: Bitmap): PhotoState = try {
        val luma = toLuma(picture)
        networks.openAnalyzer().use { analyzer ->
            val faces = analyzer.analyze(luma)
            if (faces.isEmpty()) {
                PhotoState.Failed(Problem.NO_FACE)
            } else {
                PhotoState.Analyzed(picture, faces, analyzer.labels)
            }
        }
    } catch (_: RuntimeException) { // of the networks
        PhotoState.Failed(Problem.MODEL_UNUSABLE)
    }

    /** Writes the picture with its frames to where others may read it, then calls [done]. */
    fun prepareSharing(analyzed: PhotoState.Analyzed, done: (List<Uri>) -> Unit) {
        val started = generation
        background.execute {
            val uris = SharedFiles.write(context, SharedFiles.PHOTO) { stream ->
                if (!annotate(analyzed).compress(Bitmap.CompressFormat.JPEG, 92, stream)) throw IOException()
            }
            main.execute {
                when {
                    started != generation -> Unit // another picture is shown by now
                    uris != null -> done(listOf(uris))
                    else -> state.set(PhotoState.Failed(Problem.NOT_SHARED))
                }
            }
        }
    }

    private fun annotate(analyzed: PhotoState.Analyzed): Bitmap {
        val (width, height) = analyzed.picture.width to analyzed.picture.height
        val annotated = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        val painter = FacePainter(context)
        painter.numbered = analyzed.faces.size > 1
        painter.fitTo(width)
        val canvas = Canvas(annotated)
        canvas.drawBitmap(analyzed.picture, 0f, 0f, painter.picture)
        val place = RectF(0f, 0f, width.toFloat(), height.toFloat())
        painter.draw(canvas, analyzed.faces, analyzed.labels, place, scale = 1f, mirrored = false)
        return annotated
    }
}
